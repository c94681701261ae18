//! Opening a pack and finding one asset by name, beside the `zip` crate doing the same with as many files of the same names.
//!
//! `cargo bench -p packer-pack --bench open [-- COUNT]`, with 100,000 assets unless told. Each round runs every contender once,
//! in turn, on files that the system has in memory; medians are printed, and their ratios to the quicker way to open the
//! archive. The archive's files are stored, and looked up without being read, which is the least that the crate can do.
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Cursor, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use packer_pack::format::Compression;
use packer_pack::index::{Declared, IndexLayout, Payload, Place};
use packer_pack::{OpenOptions, Pack, Verify};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const ROUNDS: usize = 41;

type Failure = Box<dyn Error>;

/// Opens anew and says whether there is such a name.
type Contender<'a> = &'a dyn Fn(&str) -> Result<bool, Failure>;

fn main() -> Result<(), Failure> {
    // Cargo passes `--bench` to every benchmark.
    let count = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let count: u32 = count.map_or(Ok(100_000), |arg| arg.parse())?;
    let folder = tempfile::tempdir()?;
    let (pack, archive) = (folder.path().join("assets.pack"), folder.path().join("assets.zip"));
    let names: Vec<String> = (0..count).map(|i| format!("level-{:03}/prop-{i:06}", i % 997)).collect();
    write_pack(&pack, &names)?;
    write_archive(&archive, &names)?;
    let in_memory = std::fs::read(&archive)?;

    let zip_file = |name: &str| -> Result<bool, Failure> {
        let archive = ZipArchive::new(BufReader::new(File::open(&archive)?))?;
        Ok(archive.index_for_name(name).is_some())
    };
    let zip_memory = |name: &str| -> Result<bool, Failure> {
        Ok(ZipArchive::new(Cursor::new(&in_memory[..]))?.index_for_name(name).is_some())
    };
    let mapped = |verify: Verify| {
        let options = OpenOptions { verify, ..OpenOptions::default() };
        let path = &pack;
        move |name: &str| -> Result<bool, Failure> {
            Ok(Pack::open(path, options)?.find_name(name)?.is_some())
        }
    };
    let plain = |name: &str| -> Result<bool, Failure> {
        Ok(Pack::open_plain(&pack, OpenOptions::default())?.find_name(name)?.is_some())
    };
    let (never, on_read, eager) = (mapped(Verify::Never), mapped(Verify::OnRead), mapped(Verify::Eager));
    let contenders: [(&str, Contender<'_>); 6] = [
        ("zip, from a file", &zip_file),
        ("zip, in memory", &zip_memory),
        ("pack, mapped, on read (default)", &on_read),
        ("pack, mapped, never", &never),
        ("pack, mapped, eager", &eager),
        ("pack, plain, on read", &plain),
    ];
    let mut times = vec![Vec::new(); contenders.len()];
    for round in 0..ROUNDS {
        let name = &names[round * 7919 % names.len()];
        for ((what, contender), times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            let found = black_box(contender(black_box(name))?);
            times.push(start.elapsed());
            if !found {
                return Err(format!("{what} did not find {name}").into());
            }
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median).collect();
    let peer = medians[0].min(medians[1]);
    println!("open {count} assets and find one by name, median of {ROUNDS}");
    for ((what, _), median) in contenders.iter().zip(&medians) {
        let ratio = median.as_secs_f64() / peer.as_secs_f64();
        println!("{what:34} {:>10.1} us   {ratio:.5} x zip", median.as_secs_f64() * 1e6);
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn content(name: &str) -> Vec<u8> {
    name.as_bytes().repeat(4)
}

fn write_pack(path: &Path, names: &[String]) -> Result<(), Failure> {
    let declared: Vec<Declared<'_>> =
        (1..).zip(names).map(|(id, name)| Declared { id, name, kind: "raw", preload: false }).collect();
    let layout = IndexLayout::new(16, &declared)?;
    let mut bytes = vec![0; layout.first_payload_offset() as usize];
    let mut placer = layout.into_placer();
    for (id, name) in (1..).zip(names) {
        let content = content(name);
        let size = content.len() as u64;
        let digest = *blake3::hash(&content).as_bytes();
        let (encoding, compression) = (0, Compression::None);
        let payload = Payload { encoding, compression, stored_size: size, raw_size: size, digest };
        if let Place::Write { padding, .. } = placer.place(id, payload)? {
            bytes.resize(bytes.len() + padding as usize, 0);
            bytes.extend_from_slice(&content);
        }
    }
    let prefix = placer.finish()?;
    bytes[..prefix.bytes.len()].copy_from_slice(&prefix.bytes);
    std::fs::write(path, bytes)?;
    Ok(())
}

fn write_archive(path: &Path, names: &[String]) -> Result<(), Failure> {
    let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for name in names {
        archive.start_file(name.as_str(), options)?;
        archive.write_all(&content(name))?;
    }
    archive.finish()?.flush()?;
    Ok(())
}
