//! Prints what a pack holds under a name: its kind and size, and of a picture its dimensions.
//!
//! `cargo run -p packer-pack --example inspect -- assets.pack ui/confirm`
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::error::Error;

use packer_pack::payload::image::{ImageInfo, ImageView};
use packer_pack::{OpenOptions, Pack};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(name)) = (args.next(), args.next()) else {
        return Err("usage: inspect PACK NAME".into());
    };
    let pack = Pack::open_plain(&path, OpenOptions::default())?;
    let entry = pack.by_name(&name).ok_or_else(|| format!("{path} has no asset {name:?}"))?;
    let (kind, payload) = (entry.kind()?, entry.payload()?);
    println!("{name}: {kind}, id {}, {} bytes", entry.id(), payload.len());
    if kind == "image" {
        let ImageInfo { width, height, .. } = ImageView::parse(entry.encoding(), &payload)?.info;
        println!("{width} x {height} pixels");
    }
    Ok(())
}
