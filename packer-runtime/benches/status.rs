//! What reading the status costs beside one clone of an `Arc`, while nobody publishes and while somebody does all the time.
//!
//! Both are measured in turn, in batches, on the same `Arc`; medians are compared. `cargo bench -p packer-runtime`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement has nobody to hand an error to but its reader"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use camino::Utf8PathBuf;
use packer_runtime::api::{Command, OpenOptions, Project, create_project};

/// Calls in a batch: enough for the clock not to count.
const CALLS: u32 = 1000;
/// Batches of each.
const BATCHES: usize = 2001;

fn nanoseconds(mut call: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn measure(project: &Project, what: &str) {
    let (mut clones, mut reads) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        let status = project.status();
        clones.push(nanoseconds(|| drop(black_box(Arc::clone(&status)))));
        reads.push(nanoseconds(|| drop(black_box(project.status()))));
    }
    let (clone, read) = (median(clones), median(reads));
    println!("{what:<28} clone {clone:>6.1} ns   status() {read:>6.1} ns   ratio {:.2}", read / clone);
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap().join("game");
    create_project(&root, "game").unwrap();
    let project = Project::open(&root, OpenOptions::default()).unwrap();
    measure(&project, "nobody publishes");

    let (is_over, published) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0_u64.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                std::fs::write(root.join("assets/a.txt"), vec![b'x'; (n % 7) as usize]).unwrap();
                project.submit(Command::Refresh).wait().unwrap();
                published.store(n, Ordering::Relaxed);
            }
        });
        measure(&project, "one publishes all the time");
        is_over.store(true, Ordering::Relaxed);
    });
    println!("{} revisions were published meanwhile", published.into_inner());
}
