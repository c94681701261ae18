//! `packer events --follow`: one process looks on at what others do, and is told of every end while it is news.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_events::report::OutcomeReport;
use packer_events::wire::decode_line;
use packer_tests::logs;
use packer_tests::project::TestProject;

use super::packer;

/// What no test ever waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// How soon after the end of a build whoever follows must have been told of it.
const SOON: Duration = Duration::from_secs(1);

/// One that follows, and when it printed what.
struct Following {
    child: Child,
    printed: Receiver<(Instant, Event)>,
    events: Vec<Event>,
}

impl Following {
    fn start(project: &TestProject, arguments: &[&str]) -> Self {
        let arguments = [&["events", "--follow", "--format", "json"], arguments].concat();
        let mut child = project
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the packer is there");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            for line in lines {
                let event = decode_line(&line.unwrap()).unwrap();
                if sender.send((Instant::now(), event)).is_err() {
                    break;
                }
            }
        });
        Self { child, printed, events: Vec::new() }
    }

    /// When the first event from here on was printed that is as asked.
    fn until(&mut self, is_it: impl Fn(&Event) -> bool) -> (Instant, Event) {
        loop {
            let (at, event) = self.printed.recv_timeout(PATIENCE).expect("it goes on");
            self.events.push(event.clone());
            if is_it(&event) {
                return (at, event);
            }
        }
    }

    /// Ends it as Ctrl-C does, and gives everything that it printed; it warned of nothing.
    fn interrupt(self) -> Vec<Event> {
        let (events, warned) = self.stop();
        assert_eq!(warned, "");
        events
    }

    /// The same of one that may have warned, with what it said.
    fn stop(mut self) -> (Vec<Event>, String) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), Signal::SIGINT).unwrap();
        self.events.extend(self.printed.iter().map(|(_, event)| event));
        let mut warned = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut warned).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
        (std::mem::take(&mut self.events), warned)
    }
}

impl Drop for Following {
    /// Where a test failed, nobody told it to end, and it would go on for good.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_end_of(event: &Event, kind: OperationKind) -> bool {
    matches!(&event.body, EventBody::Succeeded { outcome } if outcome.kind() == kind)
}

fn by_source(events: &[Event]) -> BTreeMap<String, Vec<u64>> {
    let mut sources: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in events {
        sources.entry(event.source.to_string()).or_default().push(event.position);
    }
    sources
}

#[test]
fn who_follows_is_told_of_the_end_of_a_build_within_a_second() {
    let project = TestProject::adopted(packer());
    let mut following = Following::start(&project, &[]);
    // It tells what was before it first.
    following.until(|event| is_end_of(event, OperationKind::Adopt));
    let mut slowest = Duration::ZERO;
    for n in 0..8 {
        project.write("assets/texts/hello.txt", format!("hello for the {n}th time\n").as_bytes());
        let built = project.packer(&["build", "--format", "json"]).exits(0);
        let ended = Instant::now();
        let (told, event) = following.until(|event| is_end_of(event, OperationKind::Build));
        let late = told.saturating_duration_since(ended);
        assert!(late < SOON, "it was told {late:?} after the build's process had ended");
        slowest = slowest.max(late);
        assert_eq!(decode_line(built.out.lines().last().unwrap()).unwrap(), event);
        let EventBody::Succeeded { outcome: OutcomeReport::Build(report) } = &event.body else { panic!() };
        assert!(report.baked > 0, "{report:#?}");
    }
    println!("the latest of 8 was told {slowest:?} after the build's process had ended");
    let told = following.interrupt();
    // What was printed is what was logged: each event once, in the order of its source.
    assert_eq!(by_source(&told), by_source(&logs::settled(&project.root())));
}

#[test]
fn who_knows_an_event_goes_on_after_it() {
    let project = TestProject::adopted(packer());
    project.packer(&["build"]).exits(0);
    let logged = logs::settled(&project.root());
    let known = logged.iter().find(|event| matches!(event.body, EventBody::Started {})).unwrap();
    let place = format!("{}:{}", known.source, known.position);
    let rest: Vec<&Event> = logged
        .iter()
        .filter(|event| event.source == known.source && event.position > known.position)
        .collect();
    let printed = project.packer(&["events", "--format", "json", "--after", &place]).exits(0);
    let printed: Vec<Event> = printed.out.lines().map(|line| decode_line(line).unwrap()).collect();
    assert_eq!(printed.iter().collect::<Vec<_>>(), rest);
    // Following does the same, and other sources are none of its business.
    let mut following = Following::start(&project, &["--after", &place]);
    let last = rest.last().unwrap().position;
    following.until(|event| event.position == last);
    project.packer(&["refresh"]).exits(0);
    assert_eq!(following.interrupt().iter().collect::<Vec<_>>(), rest);

    let nobody = "01900000-0000-7000-8000-000000000000:3";
    for follow in [&["events", "--after", nobody][..], &["events", "--follow", "--after", nobody]] {
        let refused = project.packer(follow).exits(2);
        assert!(
            refused.err.contains("there is no log of 01900000-0000-7000-8000-000000000000"),
            "{}",
            refused.err
        );
    }
}

#[test]
fn what_is_missing_or_damaged_is_warned_of_and_what_takes_the_place_of_a_torn_tail_is_printed() {
    let project = TestProject::adopted(packer());
    let logged = logs::settled(&project.root());
    let source = logged[0].source;
    let log = project.root().join(format!(".packer/events/{source}.jsonl"));
    let whole = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let count = lines.len();
    assert!(count > 5, "{whole}");
    let without_second = [&lines[..1], &lines[2..]].concat().concat();
    std::fs::write(&log, without_second).unwrap();
    let told = project.packer(&["events"]).exits(0);
    let missing = format!("in the log of {source}, the events after position 1 and before 3 are missing");
    assert!(told.err.contains(&missing), "{}", told.err);
    assert_eq!(told.out.lines().count(), logged.len() - 1);

    // Whoever follows is told of the end that comes in the place of the torn tail, with its position.
    let before = lines[..count - 1].concat();
    let torn = format!("{before}\0\0\0\n");
    std::fs::write(&log, torn).unwrap();
    let mut following = Following::start(&project, &[]);
    following.until(|event| event.source == source && event.position == count as u64 - 1);
    write_in_place(&log, before.len(), lines[count - 1].as_bytes());
    let (_, end) = following.until(|event| event.source == source && event.position == count as u64);
    assert!(end.terminal);
    // A line that is too long is said, and what follows it is printed.
    project.packer(&["refresh"]).exits(0);
    let (_, end) = following.until(|event| is_end_of(event, OperationKind::Refresh));
    let later = project.root().join(format!(".packer/events/{}.jsonl", end.source));
    let text = std::fs::read_to_string(&later).unwrap();
    let oversized = vec![b'x'; (16 << 20) + 1];
    let next = text
        .lines()
        .last()
        .unwrap()
        .replace(&format!("\"position\":{}", end.position), &format!("\"position\":{}", end.position + 2));
    write_in_place(&later, text.len(), &[&oversized, &b"\n"[..], next.as_bytes(), b"\n"].concat());
    following.until(|event| event.source == end.source && event.position == end.position + 2);
    let (_, err) = following.stop();
    let gone = format!(
        "warning: the events of {} after position {} and before {} are gone",
        end.source,
        end.position,
        end.position + 2
    );
    assert_eq!(err.lines().collect::<Vec<_>>(), [gone]);
    std::fs::remove_dir_all(project.root().join(".packer/events")).unwrap();
}

/// Writes `bytes` over what `path` holds from `offset` on, without emptying it first: who follows it would truly
/// see it empty, and say so.
fn write_in_place(path: &Path, offset: usize, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(offset as u64)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn it_ends_when_nobody_reads_it_any_more() {
    let project = TestProject::adopted(packer());
    let mut child = project
        .command(&["events", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("adopt"), "the first thing that was done");
    drop(lines);
    project.packer(&["refresh"]).exits(0);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
