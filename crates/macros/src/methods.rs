//! The marked methods of an `impl` block.

use syn::{Attribute, Error, FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Type};

/// What calls a method; each mark but `message` may stand once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Close,
    Connect,
    Error,
    Message,
    Open,
    Push,
    Request,
}

impl Mark {
    fn of(attribute: &Attribute) -> Option<Self> {
        let marks = [
            ("close", Self::Close),
            ("connect", Self::Connect),
            ("error", Self::Error),
            ("message", Self::Message),
            ("open", Self::Open),
            ("push", Self::Push),
            ("request", Self::Request),
        ];
        marks.into_iter().find(|(name, _)| attribute.path().is_ident(name)).map(|(_, mark)| mark)
    }

    /// How many arguments stand behind `self`, and whether the method waits.
    const fn shape(self) -> (usize, bool, &'static str) {
        match self {
            Self::Close => (1, true, "async fn(&mut self, how: &Closed)"),
            Self::Connect => (1, false, "fn(&self, connect: Connect) -> Connect"),
            Self::Error => (1, false, "fn(&mut self, error: &LineError)"),
            Self::Message => (
                2,
                true,
                "async fn(&mut self, line: &mut Line, message: T) -> Result<(), LineError>",
            ),
            Self::Open => {
                (1, true, "async fn(&mut self, line: &mut Line) -> Result<(), LineError>")
            }
            Self::Push => (0, true, "async fn(&mut self) -> T"),
            Self::Request => (
                2,
                false,
                "fn(&self, request: &Request, answer: Answer) -> Result<Answer, Refusal>",
            ),
        }
    }
}

/// A marked method.
pub(crate) struct Method {
    pub(crate) mark: Mark,
    pub(crate) name: Ident,
    /// The type of the message, for `#[message]`.
    pub(crate) message: Option<Type>,
}

/// Takes the marks off the methods of the block, and answers what they said.
pub(crate) fn take(block: &mut ItemImpl) -> syn::Result<Vec<Method>> {
    let mut methods: Vec<Method> = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else { continue };
        let marks: Vec<Mark> = function.attrs.iter().filter_map(Mark::of).collect();
        function.attrs.retain(|attribute| Mark::of(attribute).is_none());
        let &[mark] = &marks[..] else {
            if marks.is_empty() {
                continue;
            }
            return Err(Error::new_spanned(&function.sig.ident, "a method has one mark"));
        };
        if mark != Mark::Message && methods.iter().any(|method| method.mark == mark) {
            return Err(Error::new_spanned(&function.sig.ident, "another method has this mark"));
        }
        methods.push(check(mark, function)?);
    }
    Ok(methods)
}

fn check(mark: Mark, function: &ImplItemFn) -> syn::Result<Method> {
    let (arguments, waits, shape) = mark.shape();
    let inputs = &function.sig.inputs;
    let takes_self = matches!(inputs.first(), Some(FnArg::Receiver(_)));
    if !takes_self || inputs.len() != arguments + 1 || function.sig.asyncness.is_some() != waits {
        return Err(Error::new_spanned(&function.sig, format!("this mark wants `{shape}`")));
    }
    let message = match inputs.last() {
        Some(FnArg::Typed(argument)) if mark == Mark::Message => Some((*argument.ty).clone()),
        _ => None,
    };
    Ok(Method { mark, name: function.sig.ident.clone(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(methods: &str) -> String {
        let mut block = syn::parse_str(&format!("impl X {{ {methods} }}")).unwrap();
        take(&mut block).err().expect("it is refused").to_string()
    }

    #[test]
    fn a_method_of_the_wrong_shape_is_told_the_right_one() {
        assert!(
            error("#[open] fn a(&mut self, line: &mut Line) {}").contains("async fn(&mut self")
        );
        assert!(error("#[message] async fn a(&mut self, m: String) {}").contains("message: T"));
        assert!(error("#[connect] fn a(c: Connect) -> Connect {}").contains("connect: Connect"));
    }

    #[test]
    fn a_mark_stands_once() {
        let push = "#[push] async fn a(&mut self) -> String {}";
        assert!(
            error(&format!("{push} {}", push.replace(" a(", " b("))).contains("another method")
        );
        assert!(error("#[open] #[push] async fn a(&mut self) {}").contains("one mark"));
    }
}
