//! Shows what a pack holds under some names: of a picture its size, of a sound its length.
//!
//! `cargo run -p packer-pack --example inspect -- build/assets.pack ui/confirm sounds/bell`
#![expect(clippy::print_stdout, reason = "printing is what this program does")]

use std::error::Error;

use packer_pack::{OpenOptions, Pack};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: inspect PACK NAME...")?;
    let pack = Pack::open(path, OpenOptions::default())?;
    for name in args {
        let asset = pack.by_name(&name)?;
        let shown = match asset.kind()? {
            "image" => {
                let image = asset.image()?.info();
                format!("{} x {} pixels", image.width, image.height)
            }
            "sound" => {
                let sound = asset.sound()?.info();
                format!("{} Hz, {:?} long", sound.sample_rate, sound.duration())
            }
            _ => format!("{} bytes", asset.payload()?.len()),
        };
        println!("{name}: {}, id {}, {shown}", asset.kind()?, asset.id());
    }
    Ok(())
}
