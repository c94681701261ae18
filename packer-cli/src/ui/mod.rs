//! `Ui`: where a command's text goes. What was asked for goes to standard output; progress, notes, questions and errors
//! go to standard error.
//!
//! What is said is made in `render`; here is only whether and where it is written. Guarantees: a closed standard output
//! ends output quietly and nothing else; any other error of writing is told once, and makes a success a failure.

mod ask;
mod paint;
mod progress;

pub(crate) use ask::Answer;
pub(crate) use paint::{Paint, plain};

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use crate::args::{ColorChoice, Format, GlobalArgs};
use crate::exit::Exit;
use crate::logging::SAID;
use crate::response::Response;
use packer_events::event::Event;
use packer_events::replay::PhaseProgress;
use packer_events::wire::encode_line;
use progress::ProgressView;

/// The input, the outputs, and how they are to be used.
pub(crate) struct Ui {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    format: Format,
    volume: Volume,
    paint_out: Paint,
    paint_err: Paint,
    /// Whether somebody can answer questions.
    interactive: bool,
    progress: ProgressView,
    /// Whether standard error is the logs' alone, and what is said to people goes into them.
    in_logs: bool,
    out_state: OutState,
}

/// How much to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Volume {
    /// What was asked for, and errors.
    Quiet,
    Normal,
    /// Everything in full.
    Verbose,
}

/// How writing to standard output goes.
enum OutState {
    Open,
    /// Nobody reads it any more.
    Closed,
    Failed(io::Error),
}

impl Ui {
    /// The terminal, or whatever the standard streams are.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let colored = |is_terminal: bool| is_colored(global.color, is_terminal);
        let human = global.format == Format::Human;
        let progress = match (human && !global.quiet, err.is_terminal()) {
            (false, _) => ProgressView::none(),
            (true, true) => ProgressView::bars(),
            (true, false) => ProgressView::lines(),
        };
        Self {
            paint_out: Paint::new(human && colored(out.is_terminal())),
            paint_err: Paint::new(colored(err.is_terminal())),
            interactive: human && io::stdin().is_terminal() && err.is_terminal(),
            out: Box::new(BufWriter::with_capacity(1 << 16, out)),
            err: Box::new(err),
            format: global.format,
            volume: match (global.quiet, global.verbose > 0) {
                (true, _) => Volume::Quiet,
                (false, true) => Volume::Verbose,
                (false, false) => Volume::Normal,
            },
            progress,
            in_logs: false,
            out_state: OutState::Open,
        }
    }

    /// From now on, what would go to standard error goes into the developers' logs, a line each. Progress does not, and nobody
    /// is asked anything.
    pub(crate) fn say_in_logs(&mut self) {
        self.paint_err = Paint::new(false);
        (self.interactive, self.in_logs, self.progress) = (false, true, ProgressView::none());
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.volume == Volume::Quiet
    }

    pub(crate) fn is_verbose(&self) -> bool {
        self.volume == Volume::Verbose
    }

    /// Whether there is somebody who can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Whether nothing more can be written to standard output, so that there is no use in making it.
    pub(crate) fn is_closed(&self) -> bool {
        !matches!(self.out_state, OutState::Open)
    }

    /// Colours for what goes to standard output.
    pub(crate) fn paint_out(&self) -> Paint {
        self.paint_out
    }

    /// Colours for what goes to standard error.
    pub(crate) fn paint_err(&self) -> Paint {
        self.paint_err
    }

    /// Writes what was asked for; ends the line if `text` does not.
    pub(crate) fn out(&mut self, text: &str) {
        if text.is_empty() || self.is_closed() {
            return;
        }
        let out = &mut self.out;
        let written = self.progress.suspend(|| {
            out.write_all(text.as_bytes())?;
            if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") }
        });
        self.note_out(written);
    }

    /// Writes one JSON object on one line.
    pub(crate) fn json(&mut self, value: &impl Response) {
        match serde_json::to_string(value) {
            Ok(line) => self.out(&line),
            Err(error) => self.note_out(Err(error.into())),
        }
    }

    /// Writes an event in its wire form, at once.
    pub(crate) fn event(&mut self, event: &Event) {
        self.out(&encode_line(event));
        self.flush();
    }

    /// Hands what was written to whoever reads it.
    pub(crate) fn flush(&mut self) {
        if !self.is_closed() {
            let flushed = self.out.flush();
            self.note_out(flushed);
        }
    }

    fn note_out(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            let closed = error.kind() == ErrorKind::BrokenPipe;
            self.out_state = if closed { OutState::Closed } else { OutState::Failed(error) };
        }
    }

    /// Says something worth knowing to a person; silent where only what was asked for is wanted.
    pub(crate) fn note(&mut self, text: &str) {
        if self.is_quiet() || text.is_empty() {
            return;
        }
        if self.in_logs {
            self.flush();
            tracing::info!(target: SAID, "{}", text.trim_end());
        } else {
            self.error(text);
        }
    }

    /// Says what went wrong.
    pub(crate) fn error(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.flush();
        if self.in_logs {
            return tracing::error!(target: SAID, "{}", text.trim_end());
        }
        let err = &mut self.err;
        // Where standard error cannot be written, there is nowhere left to say so.
        let _ = self.progress.suspend(|| {
            err.write_all(text.as_bytes())?;
            if text.ends_with('\n') { Ok(()) } else { err.write_all(b"\n") }
        });
    }

    /// Shows how far an operation is.
    pub(crate) fn progress(&mut self, event: &Event) {
        if let Some((phase, progress)) = PhaseProgress::of(event)
            && let Some(line) = self.progress.show(phase, &progress)
        {
            self.error(&line);
        }
    }

    /// Takes progress off the screen.
    pub(crate) fn end_progress(&mut self) {
        self.progress.clear();
    }

    /// Hands everything over, and says how the command ends in view of that.
    pub(crate) fn finish(&mut self, exit: Exit) -> Exit {
        self.end_progress();
        self.flush();
        match &self.out_state {
            OutState::Open | OutState::Closed => exit,
            OutState::Failed(error) => {
                let text =
                    format!("{}: standard output cannot be written: {error}", self.paint_err.error("error"));
                self.error(&text);
                if exit == Exit::Done { Exit::Failed } else { exit }
            }
        }
    }
}

/// Whether to colour an output.
pub(crate) fn is_colored(choice: ColorChoice, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            is_terminal && !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        }
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
pub(crate) mod testing {
    //! A `Ui` that writes to memory.

    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written to one of the outputs.
    #[derive(Clone, Default)]
    pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output that refuses everything.
    pub(crate) struct Refusing(pub ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A plain `Ui` with its two outputs.
    pub(crate) fn ui(format: Format, quiet: bool) -> (Ui, Written, Written) {
        let (out, err) = (Written::default(), Written::default());
        (with_outputs(format, quiet, Box::new(out.clone()), Box::new(err.clone())), out, err)
    }

    pub(crate) fn with_outputs(format: Format, quiet: bool, out: Box<dyn Write>, err: Box<dyn Write>) -> Ui {
        Ui {
            out,
            err,
            format,
            volume: if quiet { Volume::Quiet } else { Volume::Normal },
            paint_out: Paint::PLAIN,
            paint_err: Paint::PLAIN,
            interactive: false,
            progress: ProgressView::none(),
            in_logs: false,
            out_state: OutState::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Refusing, Written, ui, with_outputs};
    use super::*;

    impl Response for serde_json::Value {}

    #[test]
    fn what_was_asked_for_and_the_rest_go_apart() {
        let (mut ui, out, err) = ui(Format::Human, false);
        ui.out("a row");
        ui.json(&serde_json::json!({"a": 1}));
        ui.note("a note");
        ui.error("an error\n");
        assert_eq!(ui.finish(Exit::Done), Exit::Done);
        assert_eq!(out.text(), "a row\n{\"a\":1}\n");
        assert_eq!(err.text(), "a note\nan error\n");
    }

    #[test]
    fn quiet_drops_notes_only() {
        let (mut ui, out, err) = ui(Format::Human, true);
        ui.out("a row");
        ui.note("a note");
        ui.error("an error");
        assert_eq!((out.text(), err.text()), ("a row\n".to_owned(), "an error\n".to_owned()));
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        for (kind, expected, told) in
            [(ErrorKind::BrokenPipe, Exit::Done, false), (ErrorKind::StorageFull, Exit::Failed, true)]
        {
            let err = Written::default();
            let mut ui = with_outputs(Format::Json, false, Box::new(Refusing(kind)), Box::new(err.clone()));
            ui.out("a row");
            ui.out("another");
            assert!(ui.is_closed());
            assert_eq!(ui.finish(Exit::Done), expected);
            assert_eq!(ui.finish(Exit::Refused), Exit::Refused);
            assert_eq!(err.text().contains("standard output cannot be written"), told);
        }
    }
}
