//! What stands in the attribute's parentheses.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitStr, Token, Type, bracketed, parenthesized};

/// `path = "/rooms/{room}", params(room = u32), subprotocols = ["rooms.v1"], limits = …, deflate = …`.
pub(crate) struct Arguments {
    pub(crate) path: LitStr,
    pub(crate) params: Vec<(Ident, Type)>,
    pub(crate) subprotocols: Vec<LitStr>,
    /// `limits` and `deflate`: what they are set to, in the endpoint's own words.
    pub(crate) settings: Vec<(Ident, Expr)>,
}

struct Param {
    name: Ident,
    kind: Type,
}

impl Parse for Param {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok(Self { name, kind: input.parse()? })
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (mut path, mut params, mut subprotocols) = (None, Vec::new(), Vec::new());
        let mut settings = Vec::new();
        let start = input.span();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            match key.to_string().as_str() {
                "path" => {
                    input.parse::<Token![=]>()?;
                    path = Some(parse_path(input)?);
                }
                "params" => {
                    let list;
                    parenthesized!(list in input);
                    let list = Punctuated::<Param, Token![,]>::parse_terminated(&list)?;
                    params.extend(list.into_iter().map(|param| (param.name, param.kind)));
                }
                "subprotocols" => {
                    input.parse::<Token![=]>()?;
                    let list;
                    bracketed!(list in input);
                    subprotocols.extend(Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?);
                }
                "limits" | "deflate" => {
                    input.parse::<Token![=]>()?;
                    settings.push((key, input.parse()?));
                }
                _ => {
                    let known = "expected `path = \"…\"`, `params(name = Type)`, \
                                 `subprotocols = [\"…\"]`, `limits = …` or `deflate = …`";
                    return Err(Error::new(key.span(), known));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let missing = || Error::new(start, "a path is needed: #[endpoint(path = \"/…\")]");
        let path: LitStr = path.ok_or_else(missing)?;
        for (name, _) in &params {
            if !path.value().contains(&format!("{{{name}}}")) {
                return Err(Error::new(
                    name.span(),
                    format!("the path has no parameter `{{{name}}}`"),
                ));
            }
        }
        Ok(Self { path, params, subprotocols, settings })
    }
}

fn parse_path(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let path: LitStr = input.parse()?;
    if path.value().starts_with('/') {
        Ok(path)
    } else {
        Err(Error::new(path.span(), "a path begins with `/`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        syn::parse_str::<Arguments>(text).err().expect("it is refused").to_string()
    }

    #[test]
    fn reads_all_of_it_in_any_order() {
        let text = r#"subprotocols = ["a", "b"], path = "/{x}/{y}", params(x = u32, y = String), limits = f(1, 2)"#;
        let arguments: Arguments = syn::parse_str(text).unwrap();
        assert_eq!(arguments.path.value(), "/{x}/{y}");
        assert_eq!((arguments.params.len(), arguments.subprotocols.len()), (2, 2));
        assert_eq!(arguments.settings.len(), 1);
    }

    #[test]
    fn says_what_would_be_right() {
        assert!(error("").contains("a path is needed"));
        assert!(error(r#"path = "rooms""#).contains("begins with `/`"));
        assert!(error(r#"route = "/""#).contains("expected `path"));
        assert!(error(r#"path = "/", params(x = u8)"#).contains("no parameter `{x}`"));
    }
}
