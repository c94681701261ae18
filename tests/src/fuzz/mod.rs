//! What the fuzzers run: one function a target, from any bytes to a verdict, with everything that must hold on the way.
//!
//! The functions are here, and not in `fuzz`, so that the ordinary tests replay every seed and every regression through the
//! same code (`fuzz_corpus`). Each asserts more than that nothing panics: what was taken comes back the same when it is
//! written and read again, what is refused says where, and answers agree with each other. `fuzz/fuzz_targets` holds one
//! line for each; `cargo xtask soak fuzz` runs them.
//!
//! Not here: how inputs are found, kept and made smaller. That is libFuzzer's work.
//!
//! Limits: what needs a real disk, a process or a thread is not fuzzed. Sizes are kept so small that one input takes
//! milliseconds.

mod anchor;
mod artifact;
mod build_parts;
mod build_record;
mod build_sources;
mod codec;
mod config;
mod events;
mod ignores;
mod input;
mod journal;
mod names;
mod outputs;
mod pack;
mod patterns;
mod payload;
mod plan;
mod registry;
mod small_files;
mod stat_index;

/// What a target made of its input, so that a corpus that is refused at the first byte is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was understood, as a whole.
    Taken,
    /// It was refused, at least in part.
    Refused,
}

/// An input to start from: its name, and its bytes.
pub type Seed = (String, Vec<u8>);

/// A parser or codec, and all that is asserted of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its binary in `fuzz`, and of its folders there.
    pub name: &'static str,
    /// Runs it on any bytes. It panics where something does not hold.
    pub run: fn(&[u8]) -> Verdict,
    /// The seeds, made anew: the same on every call.
    pub seeds: fn() -> Vec<Seed>,
}

/// Every target, by name.
pub const TARGETS: [Target; 23] = [
    Target { name: "anchor", run: anchor::run, seeds: anchor::seeds },
    Target { name: "artifact", run: artifact::run, seeds: artifact::seeds },
    Target { name: "build_parts", run: build_parts::run, seeds: build_parts::seeds },
    Target { name: "build_record", run: build_record::run, seeds: build_record::seeds },
    Target { name: "build_sources", run: build_sources::run, seeds: build_sources::seeds },
    Target { name: "codec_data", run: codec::data, seeds: codec::data_seeds },
    Target { name: "codec_image", run: codec::image, seeds: codec::image_seeds },
    Target { name: "codec_raw", run: codec::raw, seeds: codec::raw_seeds },
    Target { name: "codec_sound", run: codec::sound, seeds: codec::sound_seeds },
    Target { name: "codec_text", run: codec::text, seeds: codec::text_seeds },
    Target { name: "config", run: config::run, seeds: config::seeds },
    Target { name: "events", run: events::run, seeds: events::seeds },
    Target { name: "ignores", run: ignores::run, seeds: ignores::seeds },
    Target { name: "journal", run: journal::run, seeds: journal::seeds },
    Target { name: "names", run: names::run, seeds: names::seeds },
    Target { name: "outputs", run: outputs::run, seeds: outputs::seeds },
    Target { name: "pack", run: pack::run, seeds: pack::seeds },
    Target { name: "patterns", run: patterns::run, seeds: patterns::seeds },
    Target { name: "payload", run: payload::run, seeds: payload::seeds },
    Target { name: "plan", run: plan::run, seeds: plan::seeds },
    Target { name: "registry", run: registry::run, seeds: registry::seeds },
    Target { name: "small_files", run: small_files::run, seeds: small_files::seeds },
    Target { name: "stat_index", run: stat_index::run, seeds: stat_index::seeds },
];

/// The target with this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Runs the target with this name: what the binaries in `fuzz` call.
///
/// # Panics
/// Where something does not hold, which is what fuzzing looks for; and where there is no such target.
pub fn run(name: &str, data: &[u8]) {
    match target(name) {
        Some(target) => drop((target.run)(data)),
        None => panic!("there is no target {name:?}"),
    }
}

/// The names of the kinds whose codecs are built in: each has a target `codec_<kind>`.
pub fn kinds() -> Vec<String> {
    input::codecs().iter().map(|codec| codec.spec().id.to_string()).collect()
}
