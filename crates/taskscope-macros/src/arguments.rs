//! What stands in the attribute's parentheses.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Lit, LitInt, LitStr, MetaNameValue, Result, Token};

const KNOWN: &str = "`flavor`, `worker_threads`, `name`, `subscriber`, `start_paused` and \
                     `unhandled_panic`";

/// The arguments of `#[taskscope::main]`.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    current_thread: bool,
    workers: Option<usize>,
    name: Option<String>,
    subscriber: Option<TokenStream>,
    start_paused: Option<Switch>,
    /// On: the runtime shuts down when a task panics.
    unhandled_panic: Option<Switch>,
}

/// What is on or off, and where that stands.
#[derive(Debug)]
struct Switch {
    on: bool,
    at: Span,
}

impl Arguments {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let list = Punctuated::<MetaNameValue, Token![,]>::parse_terminated
            .parse2(tokens)
            .map_err(|error| {
                let message = format!("expected `argument = value`; the arguments are {KNOWN}");
                Error::new(error.span(), message)
            })?;
        let mut arguments = Self::default();
        let mut seen = Vec::new();
        let mut workers_at = None;
        for MetaNameValue { path, value, .. } in list {
            let argument = path.get_ident().map(ToString::to_string).unwrap_or_default();
            if seen.contains(&argument) {
                let message = format!("`{argument}` is given twice");
                return Err(Error::new_spanned(path, message));
            }
            match &*argument {
                "flavor" => arguments.current_thread = is_current_thread(&string(&value)?)?,
                "worker_threads" => {
                    workers_at = Some(value.span());
                    arguments.workers = Some(number(&value)?);
                }
                "name" => arguments.name = Some(non_empty(&string(&value)?)?),
                "subscriber" => arguments.subscriber = Some(function(&value)?),
                "start_paused" => arguments.start_paused = Some(boolean(&value)?),
                "unhandled_panic" => arguments.unhandled_panic = Some(on_panic(&value)?),
                "crate" => {
                    let message = "`#[taskscope::main]` does not have `crate` of `#[tokio::main]`; \
                                   build the runtime yourself, with `Recording::hooks` on its \
                                   builder";
                    return Err(Error::new_spanned(path, message));
                }
                _ => {
                    let message = format!("no such argument; the arguments are {KNOWN}");
                    return Err(Error::new_spanned(path, message));
                }
            }
            seen.push(argument);
        }
        arguments.check(workers_at)
    }

    fn check(self, workers_at: Option<Span>) -> Result<Self> {
        match workers_at {
            Some(at) if self.current_thread => {
                let message = "a `current_thread` runtime has one worker; `worker_threads` is for \
                               `flavor = \"multi_thread\"`";
                Err(Error::new(at, message))
            }
            _ => self.check_current_thread(),
        }
    }

    /// Tokio has some of these for this flavor alone.
    fn check_current_thread(self) -> Result<Self> {
        let switches =
            [("start_paused", &self.start_paused), ("unhandled_panic", &self.unhandled_panic)];
        for (argument, switch) in switches {
            if let Some(switch) = switch.as_ref().filter(|switch| switch.on && !self.current_thread)
            {
                let message = format!("`{argument}` needs `flavor = \"current_thread\"`");
                return Err(Error::new(switch.at, message));
            }
        }
        Ok(self)
    }

    /// The value that the recorder builds the runtime from.
    pub(crate) fn to_tokens(&self) -> TokenStream {
        let current_thread = self.current_thread;
        let workers = match self.workers {
            Some(workers) => quote! { ::core::option::Option::Some(#workers) },
            None => quote! { ::core::option::Option::None },
        };
        let name = self.name.as_deref().unwrap_or_default();
        let subscriber = match &self.subscriber {
            Some(function) => quote! { ::core::option::Option::Some(#function) },
            None => quote! { ::core::option::Option::None },
        };
        // Written into the program, since whether Tokio has these depends on the program's
        // features. What is missing is then reported where it was asked for.
        let paused = self.start_paused.as_ref().map(|Switch { on, at }| {
            quote_spanned! { *at => builder.start_paused(#on); }
        });
        let panic = self.unhandled_panic.as_ref().map(|Switch { on, at }| {
            let what = if *on { quote!(ShutdownRuntime) } else { quote!(Ignore) };
            let tokio = quote! { ::taskscope::__private::tokio };
            quote_spanned! { *at =>
                builder.unhandled_panic(#tokio::runtime::UnhandledPanic::#what);
            }
        });
        quote! {
            ::taskscope::__private::MainRuntime {
                current_thread: #current_thread,
                workers: #workers,
                name: #name,
                subscriber: #subscriber,
                configure: |builder| { let _ = &builder; #paused #panic },
            }
        }
    }
}

fn is_current_thread(flavor: &LitStr) -> Result<bool> {
    match &*flavor.value() {
        "multi_thread" => Ok(false),
        "current_thread" => Ok(true),
        _ => {
            let message = "expected \"multi_thread\" or \"current_thread\"";
            Err(Error::new_spanned(flavor, message))
        }
    }
}

fn number(value: &Expr) -> Result<usize> {
    let wrong = || Error::new_spanned(value, "expected a number of threads, at least 1");
    let Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) = value else { return Err(wrong()) };
    let number = LitInt::base10_parse(literal).map_err(|_| wrong())?;
    if number == 0 { Err(wrong()) } else { Ok(number) }
}

fn boolean(value: &Expr) -> Result<Switch> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Bool(literal), .. }) => {
            Ok(Switch { on: literal.value, at: literal.span })
        }
        _ => Err(Error::new_spanned(value, "expected `true` or `false`")),
    }
}

fn on_panic(value: &Expr) -> Result<Switch> {
    let word = string(value)?;
    let on = match &*word.value() {
        "ignore" => false,
        "shutdown_runtime" => true,
        _ => {
            return Err(Error::new_spanned(word, "expected \"ignore\" or \"shutdown_runtime\""));
        }
    };
    Ok(Switch { on, at: word.span() })
}

/// The name of a function, or a closure.
fn function(value: &Expr) -> Result<TokenStream> {
    match value {
        Expr::Path(_) | Expr::Closure(_) => Ok(value.to_token_stream()),
        _ => {
            let message = "expected the name of a function that takes `&taskscope::Recording` and \
                           sets the program's `tracing` subscriber";
            Err(Error::new_spanned(value, message))
        }
    }
}

fn non_empty(text: &LitStr) -> Result<String> {
    let value = text.value();
    if value.trim().is_empty() {
        return Err(Error::new_spanned(text, "a runtime's name is not empty"));
    }
    Ok(value)
}

fn string(value: &Expr) -> Result<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Ok(literal.clone()),
        _ => Err(Error::new_spanned(value, "expected a string in quotes")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn parsed(text: &str) -> std::result::Result<Arguments, String> {
        Arguments::parse(text.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_tokio_main_takes_is_taken() {
        let none = parsed("").unwrap();
        assert!(!none.current_thread && none.workers.is_none() && none.name.is_none());
        let all = parsed(r#"flavor = "multi_thread", worker_threads = 3, name = "api""#).unwrap();
        assert_eq!((all.current_thread, all.workers), (false, Some(3)));
        assert_eq!(all.name.as_deref(), Some("api"));
        assert!(parsed(r#"flavor = "current_thread","#).unwrap().current_thread);
        let rest = r#"flavor = "current_thread", start_paused = true,
            unhandled_panic = "shutdown_runtime", subscriber = logs::set"#;
        let rest = parsed(rest).unwrap();
        assert!(rest.start_paused.unwrap().on && rest.unhandled_panic.unwrap().on);
        assert!(rest.subscriber.is_some());
    }

    #[test]
    fn an_error_says_what_is_expected() {
        for (given, expected) in [
            (r#"flavor = "single""#, "expected \"multi_thread\" or \"current_thread\""),
            ("flavor = 3", "expected a string in quotes"),
            ("worker_threads = 0", "at least 1"),
            ("worker_threads = \"4\"", "at least 1"),
            (r#"flavor = "current_thread", worker_threads = 2"#, "has one worker"),
            ("start_paused = true", "needs `flavor = \"current_thread\"`"),
            (r#"unhandled_panic = "shutdown_runtime""#, "needs `flavor = \"current_thread\"`"),
            (r#"unhandled_panic = "abort""#, "\"shutdown_runtime\""),
            ("start_paused = 1", "expected `true` or `false`"),
            ("subscriber = 3", "the name of a function"),
            ("crate = tokio", "build the runtime yourself"),
            ("threads = 4", "no such argument"),
            ("multi_thread", "expected `argument = value`"),
            ("name = \"\"", "not empty"),
            ("name = \"a\", name = \"b\"", "given twice"),
        ] {
            let message = parsed(given).unwrap_err();
            assert!(message.contains(expected), "{given}: {message}");
        }
    }
}
