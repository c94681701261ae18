//! Writers of small picture files, straight from the formats' descriptions and without compression.

/// Adam7 as the specification draws it: which pass each pixel of an 8 x 8 block belongs to.
const ADAM7: [[u8; 8]; 8] = [
    [1, 6, 4, 6, 2, 6, 4, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [5, 6, 5, 6, 5, 6, 5, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [3, 6, 4, 6, 3, 6, 4, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
    [5, 6, 5, 6, 5, 6, 5, 6],
    [7, 7, 7, 7, 7, 7, 7, 7],
];

pub(super) const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A chunk of a PNG.
pub(super) fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend_from_slice(kind);
    chunk.extend_from_slice(data);
    let mut crc = u32::MAX;
    for byte in &chunk[4..] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    chunk.extend_from_slice(&(!crc).to_be_bytes());
    chunk
}

pub(super) fn png_header(width: u32, height: u32, color: u8, depth: u8, interlaced: bool) -> Vec<u8> {
    let mut data = width.to_be_bytes().to_vec();
    data.extend_from_slice(&height.to_be_bytes());
    data.extend_from_slice(&[depth, color, 0, 0, u8::from(interlaced)]);
    chunk(b"IHDR", &data)
}

/// A zlib stream of stored blocks.
pub(super) fn zlib(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = data.chunks(65535).collect();
    for (at, block) in blocks.iter().enumerate() {
        let len = block.len() as u16;
        out.push(u8::from(at + 1 == blocks.len()));
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(&(!len).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (a, b) = data.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    out.extend_from_slice(&(b << 16 | a).to_be_bytes());
    out
}

/// How many samples a pixel of a PNG colour type has.
pub(super) fn channels(color: u8) -> u32 {
    match color {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    }
}

/// A PNG whose samples are `sample(x, y, channel)`.
#[expect(clippy::too_many_arguments, reason = "a PNG has this many parts, and each test sets most of them")]
pub(super) fn png(
    width: u32,
    height: u32,
    color: u8,
    depth: u8,
    interlaced: bool,
    palette: &[[u8; 3]],
    trns: Option<&[u8]>,
    sample: &dyn Fn(u32, u32, u32) -> u16,
) -> Vec<u8> {
    let mut data = Vec::new();
    for pass in if interlaced { 1..=7 } else { 0..=0 } {
        for y in 0..height {
            let in_pass = |x: &u32| pass == 0 || ADAM7[(y % 8) as usize][(x % 8) as usize] == pass;
            let columns: Vec<u32> = (0..width).filter(in_pass).collect();
            if columns.is_empty() {
                continue;
            }
            data.push(0);
            let (mut byte, mut bits) = (0u8, 0);
            for x in columns {
                for channel in 0..channels(color) {
                    let value = sample(x, y, channel);
                    match depth {
                        16 => data.extend_from_slice(&value.to_be_bytes()),
                        8 => data.push(value as u8),
                        _ => {
                            byte = byte << depth | value as u8 & ((1 << depth) - 1);
                            bits += depth;
                            if bits == 8 {
                                data.push(byte);
                                (byte, bits) = (0, 0);
                            }
                        }
                    }
                }
            }
            if bits > 0 {
                data.push(byte << (8 - bits));
            }
        }
    }
    let mut file = PNG_SIGNATURE.to_vec();
    file.extend(png_header(width, height, color, depth, interlaced));
    if !palette.is_empty() {
        file.extend(chunk(b"PLTE", palette.as_flattened()));
    }
    if let Some(trns) = trns {
        file.extend(chunk(b"tRNS", trns));
    }
    // Two chunks, as real encoders split them.
    let stream = zlib(&data);
    let (first, second) = stream.split_at(stream.len() / 2);
    file.extend(chunk(b"IDAT", first));
    file.extend(chunk(b"IDAT", second));
    file.extend(chunk(b"IEND", b""));
    file
}

pub(super) fn bmp_header(
    width: i32,
    height: i32,
    bits: u16,
    compression: u32,
    palette: &[[u8; 3]],
) -> Vec<u8> {
    let mut file = b"BM\0\0\0\0\0\0\0\0".to_vec();
    file.extend_from_slice(&(54 + palette.len() as u32 * 4).to_le_bytes());
    file.extend_from_slice(&40u32.to_le_bytes());
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&bits.to_le_bytes());
    file.extend_from_slice(&compression.to_le_bytes());
    file.extend_from_slice(&[0; 12]);
    file.extend_from_slice(&(palette.len() as u32).to_le_bytes());
    file.extend_from_slice(&[0; 4]);
    palette.iter().for_each(|[r, g, b]| file.extend_from_slice(&[*b, *g, *r, 0]));
    file
}

/// Rows from the bottom, or from the top, each padded to four bytes.
pub(super) fn bmp_rows(file: &mut Vec<u8>, height: u32, top_down: bool, row: &dyn Fn(u32) -> Vec<u8>) {
    for at in 0..height {
        let mut bytes = row(if top_down { at } else { height - 1 - at });
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        file.extend(bytes);
    }
}

pub(super) fn bmp24(width: u32, height: u32, top_down: bool, pixel: &dyn Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let signed = if top_down { -(height as i32) } else { height as i32 };
    let mut file = bmp_header(width as i32, signed, 24, 0, &[]);
    bmp_rows(&mut file, height, top_down, &|y| {
        (0..width)
            .flat_map(|x| {
                let [r, g, b, _] = pixel(x, y);
                [b, g, r]
            })
            .collect()
    });
    file
}

pub(super) fn bmp8(width: u32, height: u32, palette: &[[u8; 3]], index: &dyn Fn(u32, u32) -> u8) -> Vec<u8> {
    let mut file = bmp_header(width as i32, height as i32, 8, 0, palette);
    bmp_rows(&mut file, height, false, &|y| (0..width).map(|x| index(x, y)).collect());
    file
}

pub(super) fn bmp_rle8(width: u32, height: u32, palette: &[[u8; 3]], data: &[u8]) -> Vec<u8> {
    let mut file = bmp_header(width as i32, height as i32, 8, 1, palette);
    file.extend_from_slice(data);
    file
}

pub(super) fn tga_header(kind: u8, width: u16, height: u16, depth: u8, descriptor: u8) -> Vec<u8> {
    let mut file = vec![0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    file.extend_from_slice(&[depth, descriptor]);
    file
}

/// Rows and columns in the order that the descriptor's bits 4 and 5 say.
pub(super) fn tga32(width: u16, height: u16, descriptor: u8, pixel: &dyn Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let mut file = tga_header(2, width, height, 32, descriptor);
    for row in 0..u32::from(height) {
        let y = if descriptor & 0x20 == 0 { u32::from(height) - 1 - row } else { row };
        for column in 0..u32::from(width) {
            let x = if descriptor & 0x10 == 0 { column } else { u32::from(width) - 1 - column };
            let [r, g, b, a] = pixel(x, y);
            file.extend_from_slice(&[b, g, r, a]);
        }
    }
    file
}

/// Runs of one colour, from the top.
pub(super) fn tga_rle24(width: u16, height: u16, runs: &[(u8, [u8; 3])]) -> Vec<u8> {
    let mut file = tga_header(10, width, height, 24, 0x20);
    runs.iter().for_each(|(count, [r, g, b])| file.extend_from_slice(&[0x80 | (count - 1), *b, *g, *r]));
    file
}

/// A GIF with one frame at (left, top, width, height), its codes all nine bits long and so without compression.
pub(super) fn gif(
    (width, height): (u16, u16),
    (left, top, frame_width, frame_height): (u16, u16, u16, u16),
    palette: &[[u8; 3]],
    transparent: Option<u8>,
    interlaced: bool,
    index: &dyn Fn(u32, u32) -> u8,
) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    file.extend_from_slice(&[0xf7, 0, 0]);
    let mut colours = palette.to_vec();
    colours.resize(256, [0; 3]);
    file.extend_from_slice(colours.as_flattened());
    if let Some(transparent) = transparent {
        file.extend_from_slice(&[0x21, 0xf9, 4, 1, 0, 0, transparent, 0]);
    }
    file.push(0x2c);
    [left, top, frame_width, frame_height].iter().for_each(|v| file.extend_from_slice(&v.to_le_bytes()));
    file.extend_from_slice(&[if interlaced { 0x40 } else { 0 }, 8]);
    let rows: Vec<u32> = if interlaced {
        [(0, 8), (4, 8), (2, 4), (1, 2)]
            .iter()
            .flat_map(|(y, step)| (*y..u32::from(frame_height)).step_by(*step))
            .collect()
    } else {
        (0..u32::from(frame_height)).collect()
    };
    let mut codes = Vec::new();
    for (at, (x, y)) in
        rows.iter().flat_map(|y| (0..u32::from(frame_width)).map(move |x| (x, *y))).enumerate()
    {
        // A clear code before the table would need codes of ten bits.
        if at % 200 == 0 {
            codes.push(256);
        }
        codes.push(u16::from(index(x, y)));
    }
    codes.push(257);
    let mut data = vec![0u8; (codes.len() * 9).div_ceil(8)];
    for (at, code) in codes.iter().enumerate() {
        for bit in (0..9).filter(|bit| code >> bit & 1 == 1) {
            data[(at * 9 + bit) / 8] |= 1 << ((at * 9 + bit) % 8);
        }
    }
    for block in data.chunks(255) {
        file.push(block.len() as u8);
        file.extend_from_slice(block);
    }
    file.extend_from_slice(&[0, 0x3b]);
    file
}

/// A JPEG of flat blocks of 8 x 8: component `c` of block `n` is `128 + values[(n * components + c) % len]`.
///
/// Each block has its constant coefficient only, and all divisors are 8, so that the coefficient is the offset itself.
pub(super) fn jpeg(width: u16, height: u16, components: u8, progressive: bool, values: &[i16]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    file.extend_from_slice(&[8; 64]);
    let start = if progressive { 0xc2 } else { 0xc0 };
    file.extend_from_slice(&[0xff, start, 0, 8 + 3 * components, 8]);
    file.extend_from_slice(&height.to_be_bytes());
    file.extend_from_slice(&width.to_be_bytes());
    file.push(components);
    (1..=components).for_each(|id| file.extend_from_slice(&[id, 0x11, 0]));
    // Sizes 0 to 8 have the four-bit codes 0 to 8; the end of a block has the code 0.
    file.extend_from_slice(&[0xff, 0xc4, 0, 28, 0, 0, 0, 0, 9]);
    file.extend_from_slice(&[0; 12]);
    file.extend_from_slice(&[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    file.extend_from_slice(&[0xff, 0xc4, 0, 20, 0x10, 1]);
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&[0xff, 0xda, 0, 6 + 2 * components, components]);
    (1..=components).for_each(|id| file.extend_from_slice(&[id, 0]));
    file.extend_from_slice(&[0, if progressive { 0 } else { 63 }, 0]);
    let mut bits = Vec::new();
    let mut push = |value: u16, count: u32| (0..count).rev().for_each(|bit| bits.push(value >> bit & 1));
    let blocks = usize::from(width.div_ceil(8)) * usize::from(height.div_ceil(8));
    let mut last = [0i16; 4];
    for block in 0..blocks {
        for component in 0..usize::from(components) {
            let value = values[(block * usize::from(components) + component) % values.len()];
            let difference = value - last[component];
            last[component] = value;
            let size = 16 - difference.unsigned_abs().leading_zeros();
            push(size as u16, 4);
            push(if difference < 0 { (difference - 1) as u16 } else { difference as u16 }, size);
            if !progressive {
                push(0, 1);
            }
        }
    }
    bits.resize(bits.len().next_multiple_of(8), 1);
    for byte in bits.chunks(8).map(|bits| bits.iter().fold(0u8, |byte, bit| byte << 1 | *bit as u8)) {
        file.push(byte);
        if byte == 0xff {
            file.push(0);
        }
    }
    file.extend_from_slice(&[0xff, 0xd9]);
    file
}
