//! Developers' logs: `tracing` to standard error, as text or as JSON. Only a binary installs a subscriber, and this is one's
//! whole body.
//!
//! They are for whoever mends the packer, and change as it does; what an operation did is in its events. Each line stands
//! in the span of the operation that it is about, with its id. Nothing of them ever goes to standard output.

use std::env::VarError;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::args::GlobalArgs;
use crate::failure::Failure;
use crate::ui::is_colored;

/// The variable that filters the logs, in the syntax of `tracing`: directives with commas between them.
const FILTER: &str = "PACKER_LOG";

/// The variable that chooses their form: `text` or `json`.
const FORM: &str = "PACKER_LOG_FORMAT";

/// How a line of the logs looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
}

/// Under which target stands what is said to people, where that goes into the logs.
pub(crate) const SAID: &str = "packer_cli::said";

/// Installs the subscriber, unless the process has one, and gives the form in which everything on standard error is to be.
/// Fails where one of the variables makes no sense.
pub(crate) fn install(global: &GlobalArgs) -> Result<Form, Failure> {
    let filter = match variable(FILTER)? {
        Some(text) => filter(&text)?,
        None => EnvFilter::new(default_filter(global.verbose)),
    };
    let form = variable(FORM)?.map_or(Ok(Form::Text), |text| form(&text))?;
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr);
    let installed = match form {
        Form::Text => {
            let colored = is_colored(global.color, std::io::stderr().is_terminal());
            let subscriber = builder.with_env_filter(filter).with_ansi(colored).finish();
            tracing::subscriber::set_global_default(subscriber)
        }
        Form::Json => {
            let said = format!("{SAID}=info").parse().expect("a target and a level are a directive");
            let subscriber = builder.with_env_filter(filter.add_directive(said)).json().finish();
            tracing::subscriber::set_global_default(subscriber)
        }
    };
    // Whoever calls the library may have installed another one; theirs is kept.
    let form = if installed.is_ok() { form } else { Form::Text };
    if form == Form::Json {
        std::panic::set_hook(Box::new(|panic| tracing::error!(target: SAID, "{panic}")));
    }
    Ok(form)
}

/// What a variable says; nothing where it is empty.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::usage(format!("{name} is not UTF-8"))),
    }
}

fn default_filter(verbose: u8) -> &'static str {
    match verbose {
        0 => "off",
        1 => "warn,packer_cli=debug,packer_runtime=debug,packer_fs=debug,packer_codecs=debug",
        _ => "warn,packer_cli=trace,packer_runtime=trace,packer_fs=trace,packer_codecs=trace",
    }
}

/// A filter; where it is none, the directive that is wrong, and where it stands.
fn filter(text: &str) -> Result<EnvFilter, Failure> {
    EnvFilter::builder().parse(text).map_err(|error| {
        let (column, directive) = directives(text)
            .find(|(_, directive)| EnvFilter::builder().parse(directive).is_err())
            .unwrap_or((1, text));
        Failure::usage(format!("{FILTER}, character {column}: {directive:?} is no directive: {error}"))
            .hint("a directive is a level, or a target and a level: `debug`, `packer_runtime=trace`, `off`")
    })
}

/// The directives of a filter, each with the place of its first character, from 1.
fn directives(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(',').scan(1, |next, directive| {
        let column = *next;
        *next += directive.chars().count() + 1;
        Some((column, directive))
    })
}

fn form(text: &str) -> Result<Form, Failure> {
    match text {
        "text" => Ok(Form::Text),
        "json" => Ok(Form::Json),
        other => Err(Failure::usage(format!("{FORM} is {other:?}, and can be `text` or `json`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Format;
    use crate::exit::Exit;
    use crate::ui::testing::ui;

    #[test]
    fn a_directive_that_is_none_is_named_with_its_place() {
        for (text, column, directive) in [
            ("packer_fs=loud", 1, "packer_fs=loud"),
            ("warn,packer_fs=loud,info", 6, "packer_fs=loud"),
            ("größer=info,[a{b=1}]=debug,x=9", 28, "x=9"),
        ] {
            let failure = filter(text).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{text}");
            let (mut ui, _, err) = ui(Format::Human, false);
            failure.show(&mut ui);
            let expected = format!("PACKER_LOG, character {column}: {directive:?} is no directive");
            assert!(err.text().contains(&expected), "{text}: {}", err.text());
        }
        for good in ["off", "warn", "packer_fs=debug,info", "[operation{kind=build}]=trace"] {
            assert!(filter(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn every_default_is_a_filter() {
        for verbose in 0..3 {
            assert!(filter(default_filter(verbose)).is_ok());
        }
    }

    #[test]
    fn a_form_is_one_of_two() {
        assert_eq!((form("text").unwrap(), form("json").unwrap()), (Form::Text, Form::Json));
        assert_eq!(form("yaml").unwrap_err().exit, Exit::Usage);
    }
}
