//! The attribute `#[taskscope::main]`.
//!
//! Use it through the crate `taskscope`, where it is documented.

mod arguments;

use proc_macro::TokenStream;
use quote::quote;
use syn::{ItemFn, parse_macro_input};

use crate::arguments::Arguments;

/// Runs an `async fn main` on a Tokio runtime that is recorded.
///
/// It takes the place of `#[tokio::main]`, and takes its `flavor`, `worker_threads`, `name`,
/// `start_paused` (with Tokio's feature `test-util`) and `unhandled_panic` (with
/// `tokio_unstable`):
///
/// ```ignore
/// #[taskscope::main]
/// async fn main() {
///     tokio::spawn(async { /* ... */ });
/// }
///
/// #[taskscope::main(flavor = "multi_thread", worker_threads = 4, name = "api")]
/// async fn main() -> std::io::Result<()> {
///     // ...
/// #   Ok(())
/// }
/// ```
///
/// # A program with a subscriber of its own
/// A process has one global `tracing` subscriber, and the attribute sets it: a call of
/// `tracing_subscriber::fmt::init()` in `main` would panic. Name a function instead that sets
/// yours, with the recorder's layer in it:
///
/// ```ignore
/// use tracing_subscriber::filter::LevelFilter;
/// use tracing_subscriber::prelude::*;
///
/// #[taskscope::main(subscriber = logs)]
/// async fn main() {
///     tracing::info!("this is logged, and the program recorded");
/// }
///
/// fn logs(recording: &taskscope::Recording) {
///     tracing_subscriber::registry()
///         .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::INFO))
///         .with(recording.layer())
///         .init();
/// }
/// ```
///
/// # What it does
/// It does what `taskscope::init()` does, and puts the recorder's hooks on the
/// runtime besides. The recording is finished after the runtime has shut down.
/// A program that ends by `std::process::exit` does not come to that; its trace
/// lacks the end marker and perhaps the last 50 ms.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    let expanded = Arguments::parse(arguments.into())
        .and_then(|arguments| expand(&arguments, function.clone()));
    expanded
        .unwrap_or_else(|error| {
            // The function stays, so that its absence is no second error.
            let (error, function) = (error.to_compile_error(), without_async(function));
            quote! { #error #function }
        })
        .into()
}

fn expand(arguments: &Arguments, function: ItemFn) -> syn::Result<proc_macro2::TokenStream> {
    if function.sig.asyncness.is_none() {
        let message = "`#[taskscope::main]` runs a future: write `async fn`";
        return Err(syn::Error::new_spanned(function.sig.fn_token, message));
    }
    let runtime = arguments.to_tokens();
    let ItemFn { attrs, vis, mut sig, block } = function;
    sig.asyncness = None;
    Ok(quote! {
        #(#attrs)*
        #vis #sig {
            ::taskscope::__private::run_main(#runtime, async #block)
        }
    })
}

fn without_async(function: ItemFn) -> proc_macro2::TokenStream {
    let ItemFn { attrs, vis, mut sig, .. } = function;
    sig.asyncness = None;
    quote! { #(#attrs)* #vis #sig { ::core::unreachable!() } }
}
