//! Vorbis in Ogg: its three headers, its packets, and which of their frames count.
//!
//! The positions of pages decide that: where the first says less than its packets hold, the sound begins later, and
//! where the last says less, it ends earlier, as the format has it.

use packer_pack::payload::sound::SourceFormat;
use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::default::codecs::VorbisDecoder;

use super::library::Decoder;
use super::ogg::{Packet, Pages};
use super::{Found, Shape, Sink, comments, id3, u32_at, usual_speakers};
use crate::sound::problem::SoundProblem;

/// The most bytes of the header with the codebooks. Encoders write a few thousand; the tables that the decoder makes
/// of them take up to about a thousand times as much.
const MOST_SETUP: usize = 1 << 17;

/// More channels are coupled in several steps, which the library undoes in the wrong order: every one of six files with three
/// to eight channels that were tried came out with wrong samples.
const MOST_CHANNELS: u16 = 2;

fn damaged(reason: impl Into<String>) -> SoundProblem {
    SoundProblem::Damaged { format: SourceFormat::Vorbis, reason: reason.into() }
}

pub(super) fn decode(bytes: &[u8], sink: &mut dyn Sink) -> Result<Found, SoundProblem> {
    let mut pages = Pages::new(&bytes[id3::skip(bytes)..]);
    let mut packet = Packet::default();
    let mut stream = Stream::default();
    let mut cut = Cut::default();
    let mut samples = Vec::new();
    while let Some(page) = pages.next()? {
        samples.clear();
        packet.feed(&page, &mut |packet| stream.take(packet, &mut samples, sink))?;
        let Some(shape) = stream.shape else { continue };
        let channels = usize::from(shape.channels);
        let range = cut.page((samples.len() / channels) as u64, page.granule, page.last)?;
        sink.push(&samples[range.start * channels..range.end * channels])?;
    }
    if stream.decoder.is_none() {
        return Err(damaged("it has no headers"));
    }
    if cut.kept == 0 {
        return Err(SoundProblem::Empty { format: SourceFormat::Vorbis, more: String::new() });
    }
    Ok(Found { looping: stream.looping, notes: Vec::new() })
}

/// The stream as far as it was read.
#[derive(Default)]
struct Stream {
    shape: Option<Shape>,
    /// The first header, until the third is there.
    headers: Vec<u8>,
    looping: Option<(u64, u64)>,
    decoder: Option<Decoder<VorbisDecoder>>,
    packets: u64,
}

impl Stream {
    fn take(
        &mut self,
        packet: &[u8],
        samples: &mut Vec<f64>,
        sink: &mut dyn Sink,
    ) -> Result<(), SoundProblem> {
        let index = self.packets;
        self.packets += 1;
        if let (Some(decoder), Some(shape)) = (&mut self.decoder, self.shape) {
            // An empty packet is one that was left out on purpose.
            if !packet.is_empty() {
                let before = samples.len();
                decoder.decode(packet, shape.channels, &|| format!("packet {index}"), samples)?;
                if samples[before..].iter().any(|sample| !sample.is_finite()) {
                    return Err(damaged(format!("packet {index} decodes to what is no number")));
                }
            }
            return Ok(());
        }
        let name = [&[[1, 3, 5][index.min(2) as usize]], &b"vorbis"[..]].concat();
        if !packet.starts_with(&name) {
            return Err(damaged(format!("its header {index} does not begin as one")));
        }
        match index {
            0 => {
                let (Some(channels), Some(rate)) = (packet.get(11), u32_at(packet, 12)) else {
                    return Err(damaged("its first header is too short"));
                };
                let channels = u16::from(*channels);
                if channels > MOST_CHANNELS {
                    let what = format!("{channels} channels");
                    return Err(SoundProblem::Unsupported { format: SourceFormat::Vorbis, what });
                }
                if channels == 0 || rate == 0 {
                    return Err(damaged(format!("it has {channels} channels at {rate} frames a second")));
                }
                self.shape = Some(Shape { rate, channels, speakers: usual_speakers(channels) });
                self.headers = packet.to_vec();
            }
            1 => self.looping = comments::looping(&packet[7..]),
            _ => {
                if packet.len() > MOST_SETUP {
                    return Err(damaged(format!(
                        "its codebooks take {} bytes; more than {MOST_SETUP} are not credible",
                        packet.len()
                    )));
                }
                self.headers.extend_from_slice(packet);
                let format = SourceFormat::Vorbis;
                let decoder = Decoder::new(format, CODEC_ID_VORBIS, &self.headers, VorbisDecoder::try_new)?;
                self.decoder = Some(decoder);
                self.headers = Vec::new();
                let shape = self.shape.expect("the first header came before the third");
                sink.begin(shape, None)?;
            }
        }
        Ok(())
    }
}

/// Which frames of each page count.
#[derive(Default)]
struct Cut {
    /// How many were decoded before this page.
    decoded: u64,
    /// How many of those counted.
    kept: u64,
    /// The position of the first decoded frame, once a page said one.
    first: Option<i64>,
}

impl Cut {
    /// The range of the `here` frames of a page that count.
    fn page(
        &mut self,
        here: u64,
        granule: Option<i64>,
        last: bool,
    ) -> Result<std::ops::Range<usize>, SoundProblem> {
        let after = self.decoded + here;
        let (mut start, mut end) = (0, here);
        if let Some(granule) = granule.filter(|_| after > 0) {
            let first = *self.first.get_or_insert_with(|| {
                // A sound of one page can only end early; in a longer one, the first page tells where it begins.
                if last { 0 } else { granule.saturating_sub_unsigned(after) }
            });
            if self.decoded == 0 && first < 0 {
                start = first.unsigned_abs().min(here);
            }
            if last {
                let total = u64::try_from(granule.saturating_sub(first)).unwrap_or(0);
                if total < self.decoded {
                    return Err(damaged("its last page ends before the page in front of it"));
                }
                end = total.min(after) - self.decoded;
            }
        }
        self.decoded = after;
        let start = start.min(end);
        self.kept += end - start;
        Ok(start as usize..end as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::Cut;

    #[test]
    fn positions_decide_what_counts() {
        let run = |pages: &[(u64, Option<i64>, bool)]| {
            let mut cut = Cut::default();
            let ranges: Result<Vec<_>, _> =
                pages.iter().map(|(here, granule, last)| cut.page(*here, *granule, *last)).collect();
            ranges.ok().map(|ranges| (ranges, cut.kept))
        };
        // The headers' pages have nothing; the last page ends early.
        assert_eq!(
            run(&[(0, Some(0), false), (100, Some(100), false), (100, Some(150), true)]),
            Some((vec![0..0, 0..100, 0..50], 150))
        );
        assert_eq!(run(&[(0, None, false), (100, Some(70), true)]), Some((vec![0..0, 0..70], 70)));
        // It begins before 0.
        assert_eq!(run(&[(100, Some(90), false), (100, Some(150), true)]), Some((vec![10..100, 0..60], 150)));
        // It was cut out of a longer one.
        assert_eq!(
            run(&[(100, Some(5100), false), (100, Some(5150), true)]),
            Some((vec![0..100, 0..50], 150))
        );
        // A page on which no packet ends, and one that claims more than there is.
        assert_eq!(
            run(&[(100, Some(100), false), (0, None, false), (9, Some(999), true)]),
            Some((vec![0..100, 0..0, 0..9], 109))
        );
        assert_eq!(run(&[(100, Some(100), false), (100, Some(50), true)]), None);
    }
}
