//! The grammar of `Sec-WebSocket-Extensions`.
//!
//! ```text
//! extension-list  = 1#extension                      ; "#": commas, empty elements dropped
//! extension       = token *( ";" extension-param )
//! extension-param = token [ "=" (token | quoted-string) ]   ; unquoted, it must be a token too
//! ```

use std::fmt;

use super::token::is_token_byte;

/// One extension, offered or accepted, with its parameters in order.
///
/// Nothing is known here about any extension: parameters may repeat and mean nothing.
///
/// Spec: RFC 6455 §9.1.
///
/// # Example
///
/// ```
/// use tieline_proto::http::Extension;
///
/// let offers = Extension::parse("permessage-deflate; client_max_window_bits, x-other; a=\"1\"")?;
/// assert_eq!(offers[0].params, [("client_max_window_bits".to_owned(), None)]);
/// assert_eq!(offers[1].to_string(), "x-other; a=1");
/// # Ok::<(), tieline_proto::http::ExtensionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the grammar closes the shape")]
pub struct Extension {
    /// The registered name, a token.
    pub name: String,
    /// Parameters in order: a token, and its value where it has one, a token without its quotes.
    pub params: Vec<(String, Option<String>)>,
}

/// A list that does not follow the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionError {
    /// Where in the value the grammar was left, in bytes.
    pub at: usize,
}

impl fmt::Display for ExtensionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extension list is malformed at byte {}", self.at)
    }
}

impl std::error::Error for ExtensionError {}

impl Extension {
    /// An extension without parameters.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), params: Vec::new() }
    }

    /// Parses the value of one header line. An empty value is an empty list.
    ///
    /// Takes time and memory in proportion to the value, whatever it holds.
    ///
    /// # Errors
    ///
    /// [`ExtensionError`] says where the value leaves the grammar.
    pub fn parse(value: &str) -> Result<Vec<Self>, ExtensionError> {
        let mut parser = Parser { bytes: value.as_bytes(), at: 0 };
        let mut list = Vec::new();
        loop {
            parser.skip_space();
            match parser.peek() {
                None => return Ok(list),
                Some(b',') => parser.at += 1,
                Some(_) => {
                    list.push(parser.extension()?);
                    if !matches!(parser.peek(), None | Some(b',')) {
                        return Err(parser.error());
                    }
                }
            }
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.params {
            match value {
                Some(value) => write!(f, "; {name}={value}")?,
                None => write!(f, "; {name}")?,
            }
        }
        Ok(())
    }
}

/// A place in the value. Every step moves forward.
struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    const fn error(&self) -> ExtensionError {
        ExtensionError { at: self.at }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Takes `byte` and the white space on both sides of it, where it comes next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let here = self.peek() == Some(byte);
        if here {
            self.at += 1;
            self.skip_space();
        }
        here
    }

    fn extension(&mut self) -> Result<Extension, ExtensionError> {
        let name = self.token()?;
        let mut params = Vec::new();
        while self.take(b';') {
            let param = self.token()?;
            let value = if self.take(b'=') { Some(self.value()?) } else { None };
            params.push((param, value));
        }
        Ok(Extension { name, params })
    }

    fn token(&mut self) -> Result<String, ExtensionError> {
        let start = self.at;
        let mut token = String::new();
        while let Some(byte) = self.peek().filter(|&byte| is_token_byte(byte)) {
            token.push(char::from(byte));
            self.at += 1;
        }
        if self.at == start { Err(self.error()) } else { Ok(token) }
    }

    fn value(&mut self) -> Result<String, ExtensionError> {
        if self.peek() != Some(b'"') {
            return self.token();
        }
        self.at += 1;
        let mut value = String::new();
        loop {
            match self.peek() {
                Some(b'"') if !value.is_empty() => break,
                Some(b'\\') => self.at += 1,
                _ => {}
            }
            // §9.1: the value after unescaping MUST conform to the token ABNF.
            let byte = self.peek().filter(|&byte| is_token_byte(byte));
            value.push(char::from(byte.ok_or_else(|| self.error())?));
            self.at += 1;
        }
        self.at += 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> Vec<String> {
        Extension::parse(value).unwrap().iter().map(Extension::to_string).collect()
    }

    /// RFC 6455 §9.1.
    #[test]
    fn parses_the_examples_of_the_rfc() {
        assert_eq!(written("deflate-stream"), ["deflate-stream"]);
        assert_eq!(
            written("mux; max-channels=4; flow-control, deflate-stream"),
            ["mux; max-channels=4; flow-control", "deflate-stream"]
        );
        assert_eq!(written("private-extension"), ["private-extension"]);
        assert_eq!(written("foo, bar; baz=2"), ["foo", "bar; baz=2"]);
    }

    #[test]
    fn white_space_and_empty_elements_mean_nothing() {
        assert_eq!(written(" , a\t; b = c ,, d;e=\"f\" ,"), ["a; b=c", "d; e=f"]);
        assert_eq!(written(""), [""; 0]);
        assert_eq!(written(" , "), [""; 0]);
    }

    #[test]
    fn a_quoted_value_is_a_token_once_unescaped() {
        assert_eq!(written(r#"a; b="\1\0""#), ["a; b=10"]);
        for value in [r#"a; b="""#, r#"a; b="1 0""#, r#"a; b="1"#, r#"a; b="1\"#, r#"a; b="\"""#] {
            assert!(Extension::parse(value).is_err(), "{value}");
        }
    }

    #[test]
    fn what_leaves_the_grammar_is_refused_where_it_does() {
        for (value, at) in [
            (";", 0),
            ("a;", 2),
            ("a;;b", 2),
            ("a=b", 1),
            ("a b", 2),
            ("a; b=", 5),
            ("a; =b", 3),
            ("a; b=c d", 7),
            ("a; b=\"c\"d", 8),
            ("\"a\"", 0),
            ("é", 0),
        ] {
            assert_eq!(Extension::parse(value), Err(ExtensionError { at }), "{value}");
        }
    }
}
