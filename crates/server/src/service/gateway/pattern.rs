//! Paths with parameters: `/orders/{id}/lines`. A name in braces is one segment, whatever it is.

use super::parameters::escape_segment;

/// A path, some of whose segments have names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
}

/// A text that is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoPattern;

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// [`NoPattern`]: it begins with no slash, has a query, a brace inside a segment, a name twice
    /// or none, or characters that a path cannot have.
    pub(crate) fn parse(text: &str) -> Result<Self, NoPattern> {
        let rest = text.strip_prefix('/').ok_or(NoPattern)?;
        let mut segments = Vec::new();
        for segment in rest.split('/') {
            let segment = match segment.strip_prefix('{').map(|rest| rest.strip_suffix('}')) {
                Some(Some(name)) if is_name(name) => Segment::Parameter(name.to_owned()),
                None if is_literal(segment) => Segment::Literal(segment.to_owned()),
                _ => return Err(NoPattern),
            };
            if matches!(segment, Segment::Parameter(_)) && segments.contains(&segment) {
                return Err(NoPattern);
            }
            segments.push(segment);
        }
        Ok(Self(segments))
    }

    /// The parameters of a path that is like this; `None` for another.
    pub(super) fn find(&self, path: &str) -> Option<Vec<(String, String)>> {
        let mut segments = path.strip_prefix('/')?.split('/');
        let mut found = Vec::new();
        for own in &self.0 {
            let segment = segments.next()?;
            match own {
                Segment::Literal(literal) if literal == segment => {}
                Segment::Parameter(name) if is_value(segment) => {
                    found.push((name.clone(), decode(segment)));
                }
                _ => return None,
            }
        }
        segments.next().is_none().then_some(found)
    }

    /// The path with these parameters. A name that is not among them is empty.
    pub(super) fn fill(&self, parameters: &[(String, String)]) -> String {
        let mut path = String::new();
        for segment in &self.0 {
            path.push('/');
            match segment {
                Segment::Literal(literal) => path.push_str(literal),
                Segment::Parameter(name) => {
                    let own = parameters.iter().find(|(known, _)| known == name);
                    own.iter().for_each(|(_, value)| path.push_str(&escape_segment(value)));
                }
            }
        }
        path
    }

    /// The names of its parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Parameter(name) => Some(name.as_str()),
        })
    }

    /// Whether there is a path that is like both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let like = |(own, other): (&Segment, &Segment)| match (own, other) {
            (Segment::Literal(own), Segment::Literal(other)) => own == other,
            (Segment::Parameter(_), Segment::Parameter(_)) => true,
            _ => false,
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(like)
    }

    /// How many of its segments are literal, each before those behind it: of two patterns that a path
    /// is like the greater is meant.
    pub(super) fn weight(&self) -> Vec<bool> {
        self.0.iter().map(|segment| matches!(segment, Segment::Literal(_))).collect()
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn is_literal(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&byte))
        && !is_dots(segment)
}

/// A parameter never leads out of its place in the backend's path.
fn is_value(segment: &str) -> bool {
    !segment.is_empty() && !is_dots(&decode(segment))
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

fn decode(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_braces_is_one_segment() {
        let pattern = Pattern::parse("/orders/{id}/lines/{line}").unwrap();
        let found = pattern.find("/orders/a%20b/lines/7").unwrap();
        let target = Pattern::parse("/v1/{line}/of/{id}").unwrap();
        assert_eq!(target.fill(&found), "/v1/7/of/a%20b");
        for path in
            ["/orders/1/lines", "/orders/1/lines/2/3", "/orders//lines/2", "/other/1/lines/2"]
        {
            assert_eq!(pattern.find(path), None, "{path}");
        }
    }

    #[test]
    fn a_value_does_not_lead_out_of_its_place() {
        let (pattern, target) =
            (Pattern::parse("/{a}").unwrap(), Pattern::parse("/x/{a}").unwrap());
        for path in ["/..", "/.", "/%2e%2E", "/%2e"] {
            assert_eq!(pattern.find(path), None, "{path}");
        }
        let found = pattern.find("/..%2F..%2Fadmin%3Fx").unwrap();
        assert_eq!(target.fill(&found), "/x/..%2F..%2Fadmin%3Fx");
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for text in
            ["", "a", "/{}", "/a{b}", "/{a}b", "/{a}/{a}", "/a?b", "/a b", "/../a", "/{a b}"]
        {
            assert_eq!(Pattern::parse(text), Err(NoPattern), "{text}");
        }
        assert!(Pattern::parse("/").is_ok() && Pattern::parse("/a/").is_ok());
    }

    #[test]
    fn patterns_that_cannot_be_told_apart_overlap() {
        let overlap = |a, b| Pattern::parse(a).unwrap().overlaps(&Pattern::parse(b).unwrap());
        assert!(overlap("/a/{b}", "/a/{c}") && overlap("/a", "/a"));
        assert!(!overlap("/a/{b}", "/a/b") && !overlap("/a", "/a/"));
    }
}
