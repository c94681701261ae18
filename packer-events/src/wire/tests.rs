//! Tests of the text form: pinned by snapshots, read back, refused where it is not exactly that.

use std::collections::BTreeSet;

use packer_domain::identity::Revision;
use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::*;
use crate::body::{Lock, OperationKind, Phase, Unit};
use crate::event::{Coalesced, Schema};
use crate::record::{FreshnessCause, FreshnessRecord, SeverityRecord, SubjectRecord, UnknownCause};
use crate::report::{Failure, OutcomeReport, RecoveryResult, Rejection, UnknownOutcomeCause};
use crate::testing::{
    bodies, endings, failures, operation, outcomes, progress, rejections, source, story, succeeded, time,
};

fn event(body: EventBody) -> Event {
    Event {
        schema: Schema,
        source: source(0),
        position: 7,
        operation_id: operation(1),
        sequence: 4,
        lifecycle_sequence: 3,
        causation_id: None,
        time: time(0),
        base_revision: Some(Revision(3)),
        result_revision: Some(Revision(3)),
        terminal: body.is_terminal(),
        coalesced: None,
        body,
    }
}

fn lines(bodies: Vec<EventBody>) -> String {
    bodies.into_iter().map(|body| serde_json::to_string(&body).unwrap() + "\n").collect()
}

#[test]
fn the_form_of_envelopes_is_pinned() {
    let mut first = event(bodies().swap_remove(0));
    first.base_revision = None;
    first.result_revision = None;
    let mut coalesced = event(progress(Phase::Bake, 12));
    coalesced.causation_id = Some(operation(2));
    coalesced.coalesced = Coalesced::range(2, 4);
    let text: String = [first, coalesced, event(succeeded())].iter().map(encode_line).collect();
    insta::assert_snapshot!("envelopes", text);
}

#[test]
fn the_form_of_bodies_is_pinned() {
    insta::assert_snapshot!("bodies", lines(bodies()));
}

#[test]
fn the_form_of_endings_is_pinned() {
    insta::assert_snapshot!("endings", lines(endings()));
}

/// The words that `T` can be read from, by its own account.
fn words<T: DeserializeOwned>() -> String {
    let Err(error) = serde_json::from_str::<T>("\"-\"") else { panic!("`-` was taken") };
    let text = error.to_string();
    let (_, expected) = text.split_once("expected").expect("serde lists what it expected");
    expected.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_words_are_pinned() {
    insta::assert_snapshot!("operation_kinds", words::<OperationKind>());
    insta::assert_snapshot!("phases", words::<Phase>());
    assert_eq!(words::<Unit>(), "files assets bytes steps");
    assert_eq!(words::<Lock>(), "lane build");
    assert_eq!(words::<SeverityRecord>(), "error warning info");
    assert_eq!(words::<SubjectRecord>(), "project path asset unrepresentable");
    assert_eq!(words::<UnknownCause>(), "overflow watch_lost scan_interrupted changed_outside not_observed");
    assert_eq!(
        words::<FreshnessCause>(),
        "paths_changed looked_at overflow watch_lost scan_interrupted changed_outside observed frozen recovered"
    );
    assert_eq!(words::<RecoveryResult>(), "dropped finished closed frozen kept_theirs finished_ours");
    assert_eq!(words::<UnknownOutcomeCause>(), "io edited_meanwhile journal_damaged");
    for kind in OperationKind::ALL {
        assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
    }
}

/// The variants that a tagged type can be read as, by its own account.
fn variants<T: DeserializeOwned>(tag: &str) -> BTreeSet<String> {
    let Err(error) = serde_json::from_str::<T>(&format!("{{{tag:?}:\"-\"}}")) else {
        panic!("`-` was taken")
    };
    let text = error.to_string();
    let (_, expected) = text.split_once("expected one of").expect("serde lists what it expected");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn tags<T: serde::Serialize>(tag: &str, samples: &[T]) -> BTreeSet<String> {
    let tag_of = |sample: &T| serde_json::to_value(sample).unwrap()[tag].as_str().unwrap().to_owned();
    samples.iter().map(tag_of).collect()
}

#[test]
fn the_snapshots_leave_no_variant_out() {
    let all: Vec<EventBody> = bodies().into_iter().chain(endings()).collect();
    assert_eq!(tags("type", &all), variants::<EventBody>("type"));
    assert_eq!(
        EventBody::TYPE_NAMES.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
        tags("type", &all)
    );
    let endings: Vec<&str> = all.iter().filter(|body| body.is_terminal()).map(EventBody::type_name).collect();
    assert_eq!(
        endings.into_iter().collect::<BTreeSet<_>>(),
        EventBody::ENDING_NAMES.iter().copied().collect()
    );
    assert!(all.iter().all(|body| tags("type", std::slice::from_ref(body)).contains(body.type_name())));
    assert_eq!(tags("kind", &outcomes()), variants::<OutcomeReport>("kind"));
    assert_eq!(tags("type", &rejections()), variants::<Rejection>("type"));
    assert_eq!(tags("type", &failures()), variants::<Failure>("type"));
    let states: Vec<FreshnessRecord> = bodies()
        .into_iter()
        .filter_map(
            |body| if let EventBody::Freshness { from, to, .. } = body { Some([from, to]) } else { None },
        )
        .flatten()
        .collect();
    assert_eq!(tags("state", &states), variants::<FreshnessRecord>("state"));
}

#[test]
fn every_line_reads_back() {
    for body in bodies().into_iter().chain(endings()) {
        let event = event(body);
        let line = encode_line(&event);
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        assert_eq!(decode_line(&line), Ok(event));
    }
}

#[test]
fn a_newline_in_a_text_stays_inside_its_line() {
    let body = EventBody::Accepted { kind: OperationKind::Build, title: "a\nb\u{0}\u{2028}\"".to_owned() };
    let line = encode_line(&event(body.clone()));
    assert_eq!(line.lines().count(), 1);
    assert_eq!(decode_line(&line), Ok(event(body)));
}

#[test]
fn what_is_not_exactly_the_form_is_refused_by_name() {
    let line = encode_line(&event(succeeded()));
    let change = |from: &str, to: &str| {
        assert!(line.contains(from), "{from:?} is not in {line}");
        decode_line(&line.replacen(from, to, 1)).unwrap_err()
    };
    assert_eq!(change("\"schema\":1", "\"schema\":2"), DecodeError::Schema { found: 2 });
    let unknown = DecodeError::UnknownBody { found: "finished".to_owned() };
    assert_eq!(change("\"succeeded\"", "\"finished\""), unknown);
    assert_eq!(
        change("\"terminal\":true", "\"terminal\":false"),
        DecodeError::Envelope(EnvelopeRule::Terminal)
    );
    let ranged =
        change("\"terminal\":true", "\"terminal\":true,\"coalesced\":{\"first\":3,\"last\":4,\"count\":2}");
    assert_eq!(ranged, DecodeError::Envelope(EnvelopeRule::Coalesced));
    for (from, to, says) in [
        ("\"position\":7,", "", "missing field `position`"),
        ("\"position\":7,", "\"position\":7,\"position\":8,", "duplicate field `position`"),
        ("\"position\":7,", "\"position\":7,\"extra\":8,", "unknown field `extra`"),
        ("\"position\":7,", "\"position\":-7,", "invalid value"),
        ("\"causation_id\":null,", "", "missing field `causation_id`"),
        ("\"base_revision\":3,", "", "missing field `base_revision`"),
        ("\"terminal\":true", "\"terminal\":true,\"coalesced\":null", "invalid type: null"),
        ("\"assets\":941", "\"assets\":941,\"extra\":1", "unknown field `extra`"),
        ("\"type\":\"succeeded\"", "\"type\":\"succeeded\",\"extra\":1", "unknown field `extra`"),
        ("\"kind\":\"build\"", "\"kind\":\"bake\"", "unknown variant `bake`"),
        (".123Z", "Z", "is not a time"),
    ] {
        let error = change(from, to);
        assert!(
            matches!(&error, DecodeError::Shape { message, .. } if message.contains(says)),
            "{to}: {error}"
        );
    }
    for bad in ["", "{", "nonsense", &line[..line.len() - 2], &format!("{line}{line}")] {
        assert!(matches!(decode_line(bad), Err(DecodeError::Syntax { .. })), "{bad:?}");
    }
    assert!(matches!(decode_line("[]"), Err(DecodeError::Shape { .. })));
    assert!(matches!(decode_line("{\"type\":\"started\"}"), Err(DecodeError::Shape { .. })));
}

#[test]
fn bodies_without_fields_take_none() {
    let line = encode_line(&event(EventBody::Started {}));
    let extended = line.replace("\"type\":\"started\"", "\"type\":\"started\",\"extra\":1");
    assert!(decode_line(&extended).is_err_and(|error| error.to_string().contains("unknown field `extra`")));
}

#[test]
fn errors_repeat_foreign_text_within_bounds() {
    let long = "ä".repeat(5000);
    let line = encode_line(&event(succeeded()));
    for to in [format!("\"{long}\""), format!("\"succeeded\",\"{long}\":1")] {
        let error = decode_line(&line.replace("\"succeeded\"", &to)).unwrap_err();
        assert!(error.to_string().len() < 400, "{error}");
    }
    let deep = "[".repeat(100_000);
    assert!(matches!(decode_line(&deep), Err(DecodeError::Syntax { .. })));
}

fn log_text() -> (Vec<Event>, String) {
    let events: Vec<Event> = bodies().into_iter().take(4).map(event).collect();
    let text = events.iter().map(encode_line).collect();
    (events, text)
}

#[test]
fn a_log_cut_anywhere_gives_its_whole_lines_and_the_tail() {
    let (events, text) = log_text();
    for cut in 0..=text.len() {
        let read = read_log(&text.as_bytes()[..cut]);
        let whole = text[..cut].matches('\n').count();
        let end = text[..cut].rfind('\n').map_or(0, |at| at + 1);
        let torn = (end < cut).then_some(TornTail { offset: end, line: whole as u64 + 1 });
        let lines = (1..=whole as u64).collect();
        let expected = LogRead { events: events[..whole].to_vec(), lines, torn, end, ..LogRead::default() };
        assert_eq!(read, expected, "cut at {cut}");
    }
}

#[test]
fn damage_before_something_readable_is_named_with_its_line() {
    let (events, text) = log_text();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut bytes = [lines[0], "{\"schema\":1,\n"].concat().into_bytes();
    bytes.extend(b"\xff\xff\n");
    bytes.extend(lines[1].bytes());
    let read = read_log(&bytes);
    assert_eq!((read.events.as_slice(), read.torn, read.end), (&events[..2], None, bytes.len()));
    assert_eq!(read.damaged_lines, 2);
    let places: Vec<_> = read.damaged.iter().map(|damaged| (damaged.line, damaged.offset)).collect();
    assert_eq!(places, [(2, lines[0].len()), (3, lines[0].len() + 13)]);
    assert_eq!(read.lines, [1, 4]);
    assert!(read.damaged[1].to_string().starts_with("line 3: not JSON (column 1): the line is not UTF-8"));
}

#[test]
fn a_tail_of_zeros_is_torn_and_a_foreign_line_is_not() {
    let (events, text) = log_text();
    let torn = Some(TornTail { offset: text.len(), line: 5 });
    for tail in ["\0\0\0\0", "\0\0\n", "\0\n\0\0\n\n"] {
        let read = read_log(format!("{text}{tail}").as_bytes());
        assert_eq!((&read.events, read.torn, read.damaged_lines), (&events, torn, 0));
    }
    let newer = encode_line(&events[0]).replace("\"schema\":1", "\"schema\":2");
    let read = read_log(format!("{text}{newer}").as_bytes());
    assert_eq!((read.torn, read.damaged_lines), (None, 1));
    assert_eq!(read.damaged[0].error, DecodeError::Schema { found: 2 });
}

#[test]
fn a_log_of_rubbish_is_counted_and_listed_within_bounds() {
    let (events, text) = log_text();
    let read = read_log(format!("{}{text}", "x\n".repeat(5000)).as_bytes());
    assert_eq!((read.events, read.damaged_lines, read.damaged.len()), (events, 5000, MAX_DAMAGED_LISTED));
    let read = read_log(&b"x\n".repeat(5000));
    assert_eq!((read.end, read.torn), (0, Some(TornTail { offset: 0, line: 1 })));
}

proptest! {
    #[test]
    fn a_stored_story_reads_back(events in story(0)) {
        let text: String = events.iter().map(encode_line).collect();
        let read = read_log(text.as_bytes());
        prop_assert_eq!((read.events, read.damaged_lines, read.torn), (events, 0, None));
    }

    #[test]
    fn a_changed_byte_is_an_error_or_another_event(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let line = encode_line(&event(succeeded()));
        let mut bytes = line.clone().into_bytes();
        bytes[at.index(line.len())] = byte;
        let read = read_log(&bytes);
        for event in read.events {
            prop_assert_eq!(read_log(encode_line(&event).as_bytes()).events, [event]);
        }
    }
}
