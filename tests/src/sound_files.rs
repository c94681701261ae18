//! Sounds for tests: small WAV files in each of the forms that the codec reads, and in some that it does not.

/// A chunk of a RIFF file.
fn chunk(id: [u8; 4], bytes: &[u8]) -> Vec<u8> {
    let padding = &[0][..bytes.len() % 2];
    [id.as_slice(), &(bytes.len() as u32).to_le_bytes(), bytes, padding].concat()
}

/// A WAV file of these chunks.
fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(*b"RIFF", &[b"WAVE".as_slice(), &chunks.concat()].concat())
}

/// The chunk that says the form.
fn format(tag: u16, channels: u16, rate: u32, bits: u16, block: u16, more: &[u8]) -> Vec<u8> {
    let fixed = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    let second = rate * u32::from(block);
    let rest = [rate.to_le_bytes(), second.to_le_bytes()].concat();
    let last = [block.to_le_bytes(), bits.to_le_bytes()].concat();
    chunk(*b"fmt ", &[fixed, rest, last, more.to_vec()].concat())
}

/// Bytes that are no silence.
fn noise(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n * 73 + n / 5) as u8).collect()
}

/// Each with its name; the first is plain.
pub fn wav() -> Vec<(&'static str, Vec<u8>)> {
    let pcm = |channels: u16, bits: u16, frames: u16| {
        let block = channels * bits.div_ceil(8);
        let data = chunk(*b"data", &noise(usize::from(block) * usize::from(frames)));
        riff(&[format(1, channels, 8000, bits, block, &[]), data])
    };
    let floats: Vec<u8> =
        [0.5_f32, -1.5, f32::NAN, f32::INFINITY, 1e-40, 0.25].map(f32::to_le_bytes).concat();
    let doubles: Vec<u8> = [0.5_f64, -1.0, 2.0, 0.0].map(f64::to_le_bytes).concat();
    let extension = [
        22_u16.to_le_bytes().as_slice(),
        &16_u16.to_le_bytes(),
        &3_u32.to_le_bytes(),
        &1_u16.to_le_bytes(),
        b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71",
    ]
    .concat();
    // One loop over frames 1 to 4, as samplers write it.
    let sampler: Vec<u8> =
        [0, 0, 125_000, 60, 0, 0, 0, 1, 0, 0, 0, 1, 4, 0, 0].map(u32::to_le_bytes).concat();
    let ima = [4_u16.to_le_bytes(), 9_u16.to_le_bytes()];
    let coefficients: Vec<u8> =
        [256_i16, 0, 512, -256, 0, 0, 192, 64, 240, 0, 460, -208, 392, -232].map(i16::to_le_bytes).concat();
    let ms = [32_u16.to_le_bytes().as_slice(), &12_u16.to_le_bytes(), &7_u16.to_le_bytes(), &coefficients]
        .concat();
    let ima = [2_u16.to_le_bytes().as_slice(), &ima[1]].concat();
    let mut ima_data = noise(8);
    ima_data[2..4].copy_from_slice(&[5, 0]);
    let mut ms_data = noise(12);
    ms_data[0] = 1;
    let plain = pcm(1, 16, 9);
    let cut = plain[..plain.len() - 3].to_vec();
    vec![
        ("mono16.wav", plain),
        ("stereo16.wav", pcm(2, 16, 6)),
        ("mono8.wav", pcm(1, 8, 7)),
        ("stereo24.wav", pcm(2, 24, 5)),
        ("six32.wav", pcm(6, 32, 3)),
        ("float.wav", riff(&[format(3, 2, 44_100, 32, 8, &[]), chunk(*b"data", &floats)])),
        ("double.wav", riff(&[format(3, 1, 11_025, 64, 8, &[]), chunk(*b"data", &doubles)])),
        (
            "extensible.wav",
            riff(&[format(0xfffe, 2, 22_050, 16, 4, &extension), chunk(*b"data", &noise(16))]),
        ),
        (
            "loop.wav",
            riff(&[format(1, 1, 8000, 16, 2, &[]), chunk(*b"smpl", &sampler), chunk(*b"data", &noise(20))]),
        ),
        ("ima.wav", riff(&[format(0x11, 1, 8000, 4, 8, &ima), chunk(*b"data", &ima_data)])),
        ("ms.wav", riff(&[format(2, 1, 8000, 4, 12, &ms), chunk(*b"data", &ms_data)])),
        ("mu-law.wav", riff(&[format(7, 1, 8000, 8, 1, &[]), chunk(*b"data", &noise(4))])),
        ("empty.wav", pcm(1, 16, 0)),
        ("no-data.wav", riff(&[format(1, 1, 8000, 16, 2, &[])])),
        ("cut.wav", cut),
    ]
}
