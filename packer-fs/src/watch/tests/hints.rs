//! Hints: bounded, each path once, and nobody waits who leaves one.

use super::*;

fn path(n: u32) -> AssetPath {
    AssetPath::parse(&format!("f{n}.png")).unwrap()
}

#[test]
fn a_path_stands_in_them_once_with_the_greatest_news() {
    let hints = Hints::new(2);
    for news in [News::Touched, News::Arrived, News::Followed] {
        hints.path(path(1), news);
    }
    hints.path(path(2), News::Followed);
    assert_eq!(hints.peek(|heard| heard.paths.len()), 2);
    let heard = hints.take();
    assert_eq!(heard.paths, BTreeMap::from([(path(1), News::Arrived), (path(2), News::Followed)]));
    assert!(!heard.overflow && hints.take().is_empty());
}

#[test]
fn twenty_thousand_hints_that_nobody_takes_are_an_overflow_and_take_no_room() {
    let hints = Hints::new(1000);
    for n in 0..20_000 {
        hints.path(path(n), News::Arrived);
    }
    hints.registry();
    let heard = hints.take();
    assert_eq!(heard, Heard { overflow: true, registry: true, ..Heard::default() });
    hints.path(path(1), News::Touched);
    assert_eq!(hints.take().paths.len(), 1, "they are taken in again");
}

#[test]
fn whoever_waits_goes_on_when_something_is_heard_or_somebody_wakes_it() {
    let hints = Arc::new(Hints::new(10));
    hints.wake();
    hints.wait(PATIENCE);
    let waits = Arc::clone(&hints);
    let waiting = std::thread::spawn(move || {
        let began = Instant::now();
        waits.wait(PATIENCE);
        (began.elapsed() < PATIENCE, waits.take())
    });
    hints.lost("gone".to_owned());
    hints.lost("again".to_owned());
    let (woken, heard) = waiting.join().unwrap();
    assert!(woken && heard.lost.as_deref() == Some("gone"));
}
