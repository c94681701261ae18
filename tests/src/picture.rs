//! Pictures for tests: small PNG files, different for each seed.

/// A PNG of `side` × `side` pixels.
pub fn png(side: u32, seed: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let value = (x * 31 + y * 17 + seed * 7919).to_le_bytes();
            pixels.extend_from_slice(&[value[0], value[1], (x ^ y ^ seed).to_le_bytes()[0], 255]);
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().expect("memory can be written");
    writer.write_image_data(&pixels).expect("memory can be written");
    writer.finish().expect("memory can be written");
    file
}

/// The beginning of a PNG, and nothing of its pixels.
pub fn broken_png() -> Vec<u8> {
    let mut file = png(8, 1);
    file.truncate(40);
    file
}
