//! The `#[endpoint]` attribute of `tieline`, a thin layer over what can be written in code.
//!
//! `tieline::endpoint::Declared` documents it and shows it in use.
#![forbid(unsafe_code)]

mod arguments;
mod expand;
mod methods;

use proc_macro::TokenStream;
use syn::{ItemImpl, parse_macro_input};

/// Makes an endpoint of a type: the marked methods of the `impl` block are what its lines call.
///
/// Takes `path = "/rooms/{room}"`, and where wanted `params(room = u32)`,
/// `subprotocols = ["rooms.v1"]`, `limits = …` and `deflate = …`. `tieline::endpoint::Declared` lists the marks.
#[proc_macro_attribute]
pub fn endpoint(arguments: TokenStream, block: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as arguments::Arguments);
    let block = parse_macro_input!(block as ItemImpl);
    expand::expand(&arguments, block).unwrap_or_else(|error| error.to_compile_error()).into()
}
