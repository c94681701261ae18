//! Writers of WAV, of FLAC in its simplest forms, and of Ogg pages: for files that no encoder would write.

/// A file of these chunks.
pub(super) fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (name, data) in chunks {
        body.extend_from_slice(*name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// A format chunk with `block` bytes a frame.
pub(super) fn format(tag: u16, channels: u16, rate: u32, bits: u16, block: u16) -> Vec<u8> {
    let mut chunk = Vec::new();
    chunk.extend(tag.to_le_bytes());
    chunk.extend(channels.to_le_bytes());
    chunk.extend(rate.to_le_bytes());
    chunk.extend((rate * u32::from(block)).to_le_bytes());
    chunk.extend(block.to_le_bytes());
    chunk.extend(bits.to_le_bytes());
    chunk
}

/// An extensible format chunk.
pub(super) fn extensible(
    tag: u16,
    channels: u16,
    (bits, valid, block): (u16, u16, u16),
    mask: u32,
) -> Vec<u8> {
    let mut chunk = format(0xfffe, channels, 48_000, bits, block);
    chunk.extend(22u16.to_le_bytes());
    chunk.extend(valid.to_le_bytes());
    chunk.extend(mask.to_le_bytes());
    chunk.extend(tag.to_le_bytes());
    chunk.extend(b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    chunk
}

/// A WAV of 16 bits.
pub(super) fn wav16(channels: u16, rate: u32, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    riff(&[(b"fmt ", &format(1, channels, rate, 16, channels * 2)), (b"data", &data)])
}

/// A sampler chunk with one loop.
pub(super) fn sampler(direction: u32, start: u32, last: u32) -> Vec<u8> {
    let mut chunk = vec![0; 28];
    for field in [1, 0, 0, direction, start, last, 0, 0] {
        chunk.extend(u32::to_le_bytes(field));
    }
    chunk
}

/// How the samples of one channel stand in a frame of FLAC.
#[derive(Clone, Copy)]
pub(super) enum Subframe {
    Constant,
    Verbatim,
    /// The residual of the fixed predictor of this order, in one Rice partition.
    Fixed(usize),
}

/// A FLAC of 16 bits with frames of at most 256 samples of `channels`.
pub(super) struct Flac<'a> {
    pub(super) channels: &'a [Vec<i32>],
    pub(super) subframe: Subframe,
    /// The number of samples that the file claims.
    pub(super) claimed: u64,
    pub(super) md5: [u8; 16],
}

impl Flac<'_> {
    /// The bytes before the first frame, and the frames.
    pub(super) fn parts(&self) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut head = b"fLaC\x80\0\0\x22\0\x10\x01\0\0\0\0\0\0\0".to_vec();
        let packed = 32_000u64 << 44 | (self.channels.len() as u64 - 1) << 41 | 15u64 << 36 | self.claimed;
        head.extend(packed.to_be_bytes());
        head.extend(self.md5);
        let blocks = self.channels[0].len().div_ceil(256);
        let frames = (0..blocks).map(|index| self.frame(index)).collect();
        (head, frames)
    }

    pub(super) fn file(&self) -> Vec<u8> {
        let (head, frames) = self.parts();
        [head, frames.concat()].concat()
    }

    fn frame(&self, index: usize) -> Vec<u8> {
        let range = index * 256..self.channels[0].len().min(index * 256 + 256);
        let mut bits = Bits::default();
        bits.put(0b11_1111_1111_1110, 14);
        bits.put(0, 2);
        // The size of the block in 16 bits after the number; 32 kHz, 16 bits.
        bits.put(0b0111_1000, 8);
        bits.put(self.channels.len() as u64 - 1, 4);
        bits.put(0b1000, 4);
        assert!(index < 128);
        bits.put(index as u64, 8);
        bits.put(range.len() as u64 - 1, 16);
        bits.put(u64::from(crc(&bits.bytes(), 8, 0x07)), 8);
        for channel in self.channels {
            self.subframe(&channel[range.clone()], &mut bits);
        }
        bits.align();
        bits.put(u64::from(crc(&bits.bytes(), 16, 0x8005)), 16);
        bits.bytes()
    }

    fn subframe(&self, samples: &[i32], bits: &mut Bits) {
        let put = |bits: &mut Bits, sample: i32| bits.put(u64::from(sample as u16), 16);
        match self.subframe {
            Subframe::Constant => {
                bits.put(0, 8);
                put(bits, samples[0]);
            }
            Subframe::Verbatim => {
                bits.put(1 << 1, 8);
                for sample in samples {
                    put(bits, *sample);
                }
            }
            Subframe::Fixed(order) => {
                bits.put((8 + order as u64) << 1, 8);
                for sample in &samples[..order] {
                    put(bits, *sample);
                }
                // Rice codes with a parameter of 10, in one partition.
                bits.put(0, 6);
                bits.put(10, 4);
                let mut residual = samples.to_vec();
                for _ in 0..order {
                    residual = residual.windows(2).map(|pair| pair[1] - pair[0]).collect();
                }
                for value in residual {
                    let folded = (value << 1 ^ value >> 31) as u64;
                    bits.put(1, (folded >> 10) as usize + 1);
                    bits.put(folded & 1023, 10);
                }
            }
        }
    }
}

/// Bits, upper first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u64, count: usize) {
        self.0.extend((0..count).rev().map(|bit| bit < 64 && value >> bit & 1 != 0));
    }

    fn align(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(8), false);
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
    }
}

/// A cyclic checksum of `width` bits, upper bit first, bit by bit.
pub(super) fn crc(bytes: &[u8], width: u32, polynomial: u32) -> u32 {
    let mut crc = 0u64;
    let top = 1u64 << width;
    for byte in bytes {
        for bit in (0..8).rev() {
            crc = crc << 1 ^ u64::from(byte >> bit & 1) << width;
            if crc & top != 0 {
                crc ^= top | u64::from(polynomial);
            }
        }
    }
    crc as u32
}

/// Where each page of an Ogg file is.
pub(super) fn pages(file: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut pages, mut at) = (Vec::new(), 0);
    while at < file.len() {
        let count = usize::from(file[at + 26]);
        let body: usize = file[at + 27..][..count].iter().map(|size| usize::from(*size)).sum();
        pages.push(at..at + 27 + count + body);
        at += 27 + count + body;
    }
    pages
}

/// Makes the checksum of a page right.
pub(super) fn seal(page: &mut [u8]) {
    page[22..26].fill(0);
    let sum = crc(page, 32, 0x04c1_1db7);
    page[22..26].copy_from_slice(&sum.to_le_bytes());
}
