//! The contents of generated sources: bytes that compress about as well as a game's do, from a stream of numbers.
//!
//! Which file gets which size and kind is `spec`'s. The pictures' bytes depend on the version of the `png` crate, all
//! else on nothing but the stream.

use std::fmt::Write as _;

use super::random::Random;
use super::spec::Kind;

/// The syllables that words are made of.
const SYLLABLES: [&str; 32] = [
    "an", "bel", "cor", "da", "el", "fen", "gar", "ha", "il", "jo", "ka", "lor", "mi", "nar", "o", "pel",
    "qui", "ra", "sen", "ta", "ul", "ver", "wa", "xi", "yr", "zo", "bre", "clo", "dri", "gle", "sto", "the",
];

/// How many different words there are.
const WORDS: u64 = 1500;

/// How many bytes of a block of raw data are drawn or repeated at once.
const BLOCK: usize = 32;

/// Of ten blocks of raw data, how many nothing can compress.
const INCOMPRESSIBLE_TENTHS: u64 = 5;

/// The bytes of a source of `kind`, about `size` of them; a picture's size follows from its pixels.
pub(super) fn bytes(kind: Kind, size: u64, random: &mut Random) -> Vec<u8> {
    let size = usize::try_from(size).expect("sizes are at most a megabyte");
    match kind {
        Kind::Raw => raw(size, random),
        Kind::Text => text(size, random).into_bytes(),
        Kind::Data => data(size, random).into_bytes(),
        Kind::Image => picture(random),
    }
}

/// Records as an engine stores them: parts that repeat with small changes, and parts like noise.
fn raw(size: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + BLOCK);
    let mut record = [0_u8; BLOCK];
    fill(&mut record, random);
    while bytes.len() < size {
        if random.below(10) < INCOMPRESSIBLE_TENTHS {
            let mut noise = [0_u8; BLOCK];
            fill(&mut noise, random);
            bytes.extend_from_slice(&noise);
        } else {
            let at = random.below(BLOCK as u64) as usize;
            record[at] = record[at].wrapping_add(1);
            bytes.extend_from_slice(&record);
        }
    }
    bytes.truncate(size);
    bytes
}

fn fill(block: &mut [u8], random: &mut Random) {
    for part in block.chunks_mut(8) {
        part.copy_from_slice(&random.next().to_le_bytes()[..part.len()]);
    }
}

/// Adds a word; frequent words are as much more frequent than rare ones as in a language.
fn push_word(text: &mut String, random: &mut Random) {
    let uniform = random.below(WORDS);
    let mut rest = uniform * uniform / WORDS;
    loop {
        text.push_str(SYLLABLES[(rest % 32) as usize]);
        rest /= 32;
        if rest == 0 {
            return;
        }
    }
}

/// Paragraphs of words, of exactly `size` bytes, all of them ASCII.
fn text(size: usize, random: &mut Random) -> String {
    let mut text = String::with_capacity(size + 16);
    let mut line = 0;
    while text.len() < size {
        let start = text.len();
        push_word(&mut text, random);
        line += text.len() - start + 1;
        let end = if line > 90 { '\n' } else { ' ' };
        if end == '\n' {
            line = 0;
        }
        text.push_str(if random.once_in(9) { ". " } else { "" });
        text.push(end);
    }
    text.truncate(size);
    text
}

/// A JSON object with a list of things, of `size` bytes or one thing more.
fn data(size: usize, random: &mut Random) -> String {
    let mut text = String::with_capacity(size + 128);
    text.push_str("{\n  \"title\": \"");
    push_word(&mut text, random);
    let _ = write!(text, "\",\n  \"version\": {},\n  \"things\": [", 1 + random.below(9));
    let mut separator = "\n";
    while text.len() < size {
        text.push_str(separator);
        separator = ",\n";
        text.push_str("    { \"thing\": \"");
        push_word(&mut text, random);
        let (x, y, turn) = (random.below(4096), random.below(4096), random.below(360));
        let _ =
            write!(text, "\", \"x\": {x}, \"y\": {y}, \"turn\": {turn}, \"solid\": {} }}", random.once_in(3));
    }
    text.push_str("\n  ]\n}\n");
    text
}

/// A PNG of 16 to 32 pixels a side: a round shape of few colours, mirrored, with some noise.
fn picture(random: &mut Random) -> Vec<u8> {
    let width = 16 + random.below(17) as u32;
    let height = 16 + random.below(17) as u32;
    let mut palette = [[0_u8; 4]; 8];
    for color in palette.iter_mut().skip(1) {
        fill(color, random);
        color[3] = 255;
    }
    let mut pixels = Vec::with_capacity((width * height * 4) as usize);
    for y in 0..height {
        for x in 0..width {
            let mirrored = x.min(width - 1 - x);
            let (dx, dy) = (width / 2 - mirrored, y.abs_diff(height / 2));
            let distance = dx * dx + dy * dy;
            let inside = distance * 4 < width * height;
            let ring = 1 + (distance / 40) as usize % 5;
            let color = match (inside, random.once_in(12)) {
                (false, _) => 0,
                (true, false) => ring,
                (true, true) => 6 + usize::from(random.once_in(2)),
            };
            pixels.extend_from_slice(&palette[color]);
        }
    }
    encode(width, height, &pixels)
}

fn encode(width: u32, height: u32, rgba: &[u8]) -> Vec<u8> {
    const IN_MEMORY: &str = "encoding into memory, with a buffer of the picture's size, does not fail";
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().expect(IN_MEMORY);
    writer.write_image_data(rgba).expect(IN_MEMORY);
    writer.finish().expect(IN_MEMORY);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_what_it_says() {
        for key in 0..50 {
            let of = |kind, size| bytes(kind, size, &mut Random::new(3, key));
            assert_eq!(of(Kind::Raw, 777).len(), 777);
            assert_eq!(of(Kind::Text, 777).len(), 777);
            assert!(of(Kind::Text, 777).is_ascii());
            let json = of(Kind::Data, 777);
            assert!((777..1000).contains(&json.len()), "{}", json.len());
            let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert!(json["things"].as_array().is_some_and(|things| things.len() > 3));
            let picture = of(Kind::Image, 0);
            let reader = png::Decoder::new(std::io::Cursor::new(&picture)).read_info().unwrap();
            assert!((16..=32).contains(&reader.info().width) && (16..=32).contains(&reader.info().height));
        }
    }
}
