//! From the attribute and the marked methods to an implementation of `Declared`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Ident, ItemImpl};

use crate::arguments::Arguments;
use crate::methods::{self, Mark, Method};

pub(crate) fn expand(arguments: &Arguments, mut block: ItemImpl) -> syn::Result<TokenStream> {
    if let Some((_, of, _)) = &block.trait_ {
        let wanted = "#[endpoint] stands on the type's own block: `impl Type { … }`";
        return Err(Error::new_spanned(of, wanted));
    }
    let methods = methods::take(&mut block)?;
    let named = |mark: Mark| methods.iter().find(|method| method.mark == mark).map(|m| &m.name);
    let endpoint = endpoint(arguments, named(Mark::Request), named(Mark::Connect));
    let message = message(&methods);
    let open = named(Mark::Open).map(|name| {
        quote! {
            async fn open(
                &mut self,
                line: &mut ::tieline::endpoint::Line,
            ) -> ::core::result::Result<(), ::tieline::endpoint::LineError> {
                Self::#name(self, line).await
            }
        }
    });
    let push = named(Mark::Push).map(|name| {
        quote! {
            async fn push(
                &mut self,
            ) -> ::core::result::Result<::tieline::Message, ::tieline::endpoint::LineError> {
                let pushed = Self::#name(self).await;
                ::core::result::Result::Ok(::tieline::endpoint::Encode::encode(pushed)?)
            }
        }
    });
    let error = named(Mark::Error).map(|name| {
        quote! {
            fn error(&mut self, error: &::tieline::endpoint::LineError) {
                Self::#name(self, error);
            }
        }
    });
    let close = named(Mark::Close).map(|name| {
        quote! {
            async fn close(&mut self, how: &::tieline::Closed) {
                Self::#name(self, how).await;
            }
        }
    });
    let (generics, _, condition) = block.generics.split_for_impl();
    let of = &block.self_ty;
    Ok(quote! {
        #block

        impl #generics ::tieline::endpoint::Declared for #of #condition {
            #endpoint
            #open
            #message
            #push
            #error
            #close
        }
    })
}

fn endpoint(
    Arguments { path, params, subprotocols, settings }: &Arguments,
    request: Option<&Ident>,
    connect: Option<&Ident>,
) -> TokenStream {
    let names = params.iter().map(|(name, _)| name.to_string());
    let kinds = params.iter().map(|(_, kind)| kind);
    let (keys, values): (Vec<_>, Vec<_>) = settings.iter().map(|(key, value)| (key, value)).unzip();
    let request = request.map(|name| {
        quote! {
            let shared = ::core::clone::Clone::clone(self);
            let endpoint = endpoint.on_request(move |request, answer| shared.#name(request, answer));
        }
    });
    let connect = connect.map(|name| {
        quote! {
            let shared = ::core::clone::Clone::clone(self);
            let endpoint = endpoint.on_connect(move |connect| shared.#name(connect));
        }
    });
    quote! {
        fn endpoint(
            &self,
        ) -> ::tieline::endpoint::Endpoint<::tieline::Message, ::tieline::Message> {
            let endpoint = ::tieline::endpoint::Endpoint::at(#path)
                #(.param::<#kinds>(#names))*
                #(.subprotocol(#subprotocols))*
                #(.#keys(#values))*;
            #request
            #connect
            endpoint
        }
    }
}

/// Tries the methods in their order; what none of them takes is refused with the last reason,
/// where some method took the kind with that method's.
fn message(methods: &[Method]) -> Option<TokenStream> {
    let attempts: Vec<TokenStream> = methods
        .iter()
        .filter_map(|method| Some((&method.name, method.message.as_ref()?)))
        .map(|(name, kind)| {
            quote! {
                let refused = match <#kind as ::tieline::endpoint::Decode>::decode(
                    ::core::clone::Clone::clone(&message),
                ) {
                    ::core::result::Result::Ok(value) => {
                        return Self::#name(self, line, value).await;
                    }
                    ::core::result::Result::Err(error) => error.or(refused),
                };
            }
        })
        .collect();
    (!attempts.is_empty()).then(|| {
        quote! {
            async fn message(
                &mut self,
                line: &mut ::tieline::endpoint::Line,
                message: ::tieline::Message,
            ) -> ::core::result::Result<(), ::tieline::endpoint::LineError> {
                let refused = ::tieline::endpoint::DecodeError::Kind(message.kind());
                #(#attempts)*
                ::core::result::Result::Err(::tieline::endpoint::LineError::Decode(refused))
            }
        }
    })
}
