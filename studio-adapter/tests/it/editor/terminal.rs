//! A terminal for the example editor: a pseudo-terminal that it runs under, a screen that shows what it writes, and keys.
//!
//! Nothing waits by sleeping: a thread reads what the editor writes, and a test waits for what should be on the screen. The
//! editor draws many times a second, also when nothing has changed, so a screen that has come to rest is one that was drawn
//! alike several times in a row.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a frame ends with: the cursor is hidden after each.
const FRAME_END: &[u8] = b"\x1b[?25l";

/// What a terminal is cleared by, before everything is drawn anew.
const CLEAR: &[u8] = b"\x1b[2J";

/// How many times in a row a screen is drawn alike before it is taken to be at rest.
const AT_REST: usize = 4;

pub(super) const SIZE: (u16, u16) = (100, 30);

pub(super) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    editor: Box<dyn Child + Send + Sync>,
    written: Receiver<Vec<u8>>,
    /// What was written since the last whole frame.
    begun: Vec<u8>,
    screen: vt100::Parser,
}

impl Terminal {
    /// The editor with these arguments, in a terminal of so many columns and rows.
    pub(super) fn open(arguments: &[&str], (columns, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(editor());
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        let editor = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, written) = channel();
        // It ends with the editor, or with the test.
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(nonzero(rows), nonzero(columns), 0);
        Self { master: pair.master, keys, editor, written, begun: Vec::new(), screen }
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Gives the terminal another size, and waits until that is drawn and the editor has taken notice: a key that comes at
    /// the same moment is read by its library only with the next one.
    pub(super) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master.resize(size(columns, rows)).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !self.bytes(deadline).unwrap().windows(CLEAR.len()).any(|bytes| bytes == CLEAR) {}
        self.rest(&[]);
    }

    pub(super) fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// The colour of a word on the screen, by the line, or the part of one, that it stands in.
    #[track_caller]
    pub(super) fn colour(&self, within: &str, word: &str) -> vt100::Color {
        let screen = self.screen.screen();
        let (_, columns) = screen.size();
        let found = (0..).zip(screen.rows(0, columns.get())).find_map(|(row, text)| {
            let at = text.find(within)? + within.find(word).unwrap();
            Some((row, text[..at].chars().count()))
        });
        let Some((row, column)) = found else { panic!("{within:?} is not on the screen:\n{}", self.text()) };
        screen.cell(row, u16::try_from(column).unwrap()).unwrap().fgcolor()
    }

    /// The next whole frame; none when the editor has ended.
    fn frame(&mut self, deadline: Instant) -> Option<String> {
        self.bytes(deadline).map(|_| self.text())
    }

    /// What was written for the next whole frame, which is on the screen then.
    fn bytes(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        loop {
            let end = self.begun.windows(FRAME_END.len()).position(|bytes| bytes == FRAME_END);
            if let Some(end) = end {
                let rest = self.begun.split_off(end + FRAME_END.len());
                let frame = std::mem::replace(&mut self.begun, rest);
                self.screen.process(&frame);
                return Some(frame);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.written.recv_timeout(left) {
                Ok(bytes) => self.begun.extend(bytes),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("what was waited for is not on the screen:\n{}", self.text())
                }
            }
        }
    }

    /// Waits for a frame that is so, if only for a moment.
    #[track_caller]
    pub(super) fn see(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Some(frame) = self.frame(deadline) else {
                panic!("it ended before {what}:\n{}", self.text())
            };
            if is_so(&frame) {
                return frame;
            }
            assert!(Instant::now() < deadline, "{what} was never seen:\n{frame}");
        }
    }

    /// Waits for a screen that shows all of this and is at rest.
    #[track_caller]
    pub(super) fn rest(&mut self, shows: &[&str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        let (mut last, mut alike) = (String::new(), 0);
        loop {
            let Some(frame) = self.frame(deadline) else {
                panic!("it ended before {shows:?}:\n{}", self.text())
            };
            alike = if frame == last { alike + 1 } else { 1 };
            if alike >= AT_REST && shows.iter().all(|text| frame.contains(text)) {
                return frame;
            }
            assert!(Instant::now() < deadline, "{shows:?} was never seen at rest:\n{frame}");
            last = frame;
        }
    }

    /// Waits for the end of the editor: its exit code, what is on the screen, and whether the terminal is as it was.
    pub(super) fn end(mut self) -> (u32, String) {
        let deadline = Instant::now() + PATIENCE;
        while self.frame(deadline).is_some() {}
        self.screen.process(&std::mem::take(&mut self.begun));
        let status = self.editor.wait().unwrap();
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "it left the terminal as it had it");
        (status.exit_code(), screen.contents())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where a test failed, the editor still runs; else there is nothing to end.
        let _ = self.editor.kill();
        let _ = self.editor.wait();
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn nonzero(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

/// The example as Cargo built it beside these tests. Cargo builds examples with all tests of a package, and not with one
/// target of them, so it can be missing, or older than what it is built from.
fn editor() -> PathBuf {
    let built =
        "build it first: cargo build -p studio-adapter --example editor, with the options of the tests";
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let editor = profile.join("examples/editor");
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let Some(age) = changed(&editor) else { panic!("{} is missing; {built}", editor.display()) };
    let sources = std::fs::read_to_string(editor.with_extension("d")).unwrap();
    let (_, sources) = sources.split_once(": ").unwrap();
    // A space within a path stands behind a backslash.
    let sources = sources.trim_end().replace("\\ ", "\0");
    for source in sources.split(' ').map(|source| source.replace('\0', " ")) {
        let newer = changed(source.as_ref()).is_none_or(|source| source > age);
        assert!(!newer, "{} is older than {source}; {built}", editor.display());
    }
    editor
}
