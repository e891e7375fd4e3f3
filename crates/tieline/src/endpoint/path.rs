//! Paths with parameters: `/rooms/{room}`.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What may stand in a segment as it is (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path whose segments are given, or parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Given(String),
    Parameter(String),
}

/// The parameters of one path, decoded, in the order of the pattern.
pub(super) type Parameters = Vec<(String, String)>;

/// A pattern that cannot be, or parameters that do not fill it; our caller's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// Two endpoints of one set could answer the same path; the second one's pattern.
    Duplicate(String),
    /// A pattern that does not begin with `/`, or whose braces do not enclose a whole segment.
    Pattern(String),
    /// A parameter that the pattern has twice, or that was not given, or is empty, `.` or `..`.
    Parameter(String),
    /// A parameter that the pattern does not have.
    Unknown(String),
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(path) => write!(f, "another endpoint answers {path} already"),
            Self::Pattern(path) => {
                write!(f, "{path:?} is no path: write it as /rooms/{{room}}, a parameter a segment")
            }
            Self::Parameter(name) => write!(f, "the parameter {name:?} needs one value"),
            Self::Unknown(name) => write!(f, "the path has no parameter {name:?}"),
        }
    }
}

impl std::error::Error for PathError {}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, PathError> {
        let invalid = || PathError::Pattern(text.to_owned());
        let mut segments = Vec::new();
        for segment in text.strip_prefix('/').ok_or_else(invalid)?.split('/') {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let plain = name.unwrap_or(segment);
            if plain.contains(['{', '}']) || name == Some("") {
                return Err(invalid());
            }
            let segment = match name {
                Some(name) => Segment::Parameter(name.to_owned()),
                None => Segment::Given(decode(segment).ok_or_else(invalid)?),
            };
            if name.is_some() && segments.contains(&segment) {
                return Err(PathError::Parameter(plain.to_owned()));
            }
            segments.push(segment);
        }
        Ok(Self(segments))
    }

    /// The parameters of `path`, which is percent-encoded; `None` where it does not match.
    pub(super) fn matches(&self, path: &str) -> Option<Parameters> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let mut parameters = Parameters::new();
        for segment in &self.0 {
            let part = decode(parts.next()?)?;
            match segment {
                Segment::Given(given) if *given == part => {}
                Segment::Parameter(name) if is_value(&part) => {
                    parameters.push((name.clone(), part))
                }
                _ => return None,
            }
        }
        parts.next().is_none().then_some(parameters)
    }

    /// The path with its parameters filled in, percent-encoded.
    pub(super) fn fill(&self, values: &[(&str, &str)]) -> Result<String, PathError> {
        let mut path = String::new();
        for segment in &self.0 {
            let part = match segment {
                Segment::Given(given) => given,
                Segment::Parameter(name) => {
                    let value =
                        values.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
                    value
                        .filter(|value| is_value(value))
                        .ok_or_else(|| PathError::Parameter(name.clone()))?
                }
            };
            path.push('/');
            path.extend(utf8_percent_encode(part, SEGMENT));
        }
        match values.iter().find(|(name, _)| !self.has(name)) {
            Some((name, _)) => Err(PathError::Unknown((*name).to_owned())),
            None => Ok(path),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&Segment::Parameter(name.to_owned()))
    }

    /// Whether some path matches both with equal claim: given segments beat parameters.
    pub(super) fn rivals(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|pair| match pair {
                (Segment::Given(one), Segment::Given(two)) => one == two,
                (Segment::Parameter(_), Segment::Parameter(_)) => true,
                _ => false,
            })
    }

    /// Orders patterns by their claim to a path: a given segment comes before a parameter.
    pub(super) fn claim(&self) -> Vec<bool> {
        self.0.iter().map(|segment| matches!(segment, Segment::Parameter(_))).collect()
    }
}

/// A parameter is one segment that means itself.
fn is_value(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
}

fn decode(part: &str) -> Option<String> {
    percent_decode_str(part).decode_utf8().ok().map(|part| part.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
        Pattern::parse(pattern).unwrap().matches(path)
    }

    #[test]
    fn a_parameter_is_one_decoded_segment() {
        let found = |name: &str, value: &str| Some(vec![(name.to_owned(), value.to_owned())]);
        assert_eq!(parameters("/", "/"), Some(vec![]));
        assert_eq!(parameters("/rooms/{room}", "/rooms/a%20b"), found("room", "a b"));
        assert_eq!(parameters("/rooms/{room}", "/rooms/a%2Fb"), found("room", "a/b"));
        for other in ["/rooms", "/rooms/", "/rooms/a/b", "/room/a", "/rooms/..", "/rooms/%2e%2E"] {
            assert_eq!(parameters("/rooms/{room}", other), None, "{other}");
        }
        assert_eq!(parameters("/rooms/{room}", "/rooms/%FF"), None, "not UTF-8");
    }

    #[test]
    fn what_is_filled_in_is_found_again() {
        let pattern = Pattern::parse("/a b/{x}/{y}").unwrap();
        let path = pattern.fill(&[("y", "ü?#"), ("x", "1/2")]).unwrap();
        assert_eq!(path, "/a%20b/1%2F2/%C3%BC%3F%23");
        let found = pattern.matches(&path).unwrap();
        assert_eq!(found, [("x".into(), "1/2".into()), ("y".into(), "ü?#".into())]);
    }

    #[test]
    fn a_pattern_or_a_parameter_that_cannot_be_is_named() {
        for bad in ["", "rooms", "/a{b}", "/{", "/{}", "/{a}b"] {
            assert_eq!(Pattern::parse(bad), Err(PathError::Pattern(bad.into())), "{bad}");
        }
        assert_eq!(Pattern::parse("/{a}/{a}"), Err(PathError::Parameter("a".into())));
        let pattern = Pattern::parse("/{a}").unwrap();
        assert_eq!(pattern.fill(&[]), Err(PathError::Parameter("a".into())));
        assert_eq!(pattern.fill(&[("a", "..")]), Err(PathError::Parameter("a".into())));
        assert_eq!(pattern.fill(&[("a", "1"), ("b", "2")]), Err(PathError::Unknown("b".into())));
    }
}
