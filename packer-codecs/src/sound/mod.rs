//! The kind `sound`: one sound to samples that are ready to play, or the file as it is.
//!
//! Here are the settings and the order of the steps: recognise by content, decode block by block, mix, resample, round,
//! and lay out; then the loop, which is counted in frames of the source and moves with the rate. Each step has its
//! module; the layout is `packer_pack::payload::sound`.
//!
//! Allocates, beyond the source, at most twice the payload while that grows, and 160 MiB: of these 128 MiB are what the
//! tables of a hostile Vorbis file can take, and a sound as encoders write them needs less than 4.

mod decode;
mod format;
mod line;
mod mix;
mod problem;
mod resample;

use packer_domain::codec::{BakeRequest, Baked, Codec, Finding, SourceInput};
use packer_domain::diagnostic::{DiagnosticCode, Severity};
use packer_domain::kind::{InputArity, KindSpec, SettingSpec, SettingType, SettingValue, Settings};
use packer_domain::limits::Limits;
use packer_pack::payload::LAYOUT_VERSION;
use packer_pack::payload::sound::{
    HEADER_SIZE, SoundEncoding, SoundInfo, SoundLoop, SourceFormat, encode_source, pcm16_header,
};

use crate::source;
use decode::{Found, Shape};
use line::{Finished, Line};
use problem::SoundProblem;

/// The codec of `sound`.
#[derive(Debug)]
pub struct SoundCodec {
    spec: KindSpec,
}

impl SoundCodec {
    /// The codec.
    pub fn new() -> Self {
        let number = |key, min, max, default, doc| SettingSpec {
            key,
            accepts: SettingType::Int { min, max },
            default: SettingValue::Int(default),
            doc,
        };
        let frames = i64::from(u32::MAX);
        Self {
            spec: KindSpec {
                id: crate::kind("sound"),
                codec_version: 1,
                payload_version: LAYOUT_VERSION,
                inputs: InputArity::One,
                extensions: &["wav", "flac", "ogg", "oga", "mp3"],
                signatures: format::SIGNATURES,
                settings: vec![
                    SettingSpec {
                        key: "encoding",
                        accepts: SettingType::Choice(&["pcm16", "source"]),
                        default: SettingValue::Text("pcm16".to_owned()),
                        doc: "How the samples are stored; `source` keeps the file as it is, checked by decoding it.",
                    },
                    number(
                        "channels",
                        0,
                        2,
                        0,
                        "How many channels it is mixed to; 0 keeps those of the source.",
                    ),
                    number(
                        "sample_rate",
                        0,
                        384_000,
                        0,
                        "To how many frames a second it is resampled; 0 keeps the source's.",
                    ),
                    number(
                        "loop_start",
                        -1,
                        frames,
                        -1,
                        "The first frame of the source that repeats; -1 is what the file says, or its beginning.",
                    ),
                    number(
                        "loop_end",
                        -1,
                        frames,
                        -1,
                        "The frame after the last that repeats; -1 is what the file says, or its end, and 0 is no loop.",
                    ),
                ],
            },
        }
    }
}

impl Default for SoundCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Codec for SoundCodec {
    fn spec(&self) -> &KindSpec {
        &self.spec
    }

    fn bake(&self, request: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        let input = source::single(request)?;
        Want::read(request.settings)
            .bake(input, request.limits)
            .map_err(|problem| vec![problem.finding(input)])
    }
}

/// The samples of a file that a payload keeps as it is, as a payload of [`SoundEncoding::Pcm16`].
pub(crate) fn decoded(
    bytes: &[u8],
    format: SourceFormat,
    limits: &Limits,
) -> Result<Vec<u8>, impl std::error::Error + use<>> {
    let want = Want {
        encoding: SoundEncoding::Pcm16,
        channels: 0,
        sample_rate: 0,
        loop_start: None,
        loop_end: None,
    };
    let mut line = Line::new(&want, format, limits);
    decode::decode(format, bytes, &mut line)?;
    let done = line.finish()?;
    let info = SoundInfo {
        sample_rate: done.result.rate,
        channels: done.result.channels,
        speakers: done.result.speakers,
        frames: done.frames,
        looping: None,
    };
    let mut payload = done.payload;
    payload[..HEADER_SIZE].copy_from_slice(&pcm16_header(info)?);
    Ok::<_, SoundProblem>(payload)
}

/// What the settings ask for.
struct Want {
    encoding: SoundEncoding,
    channels: u16,
    sample_rate: u32,
    loop_start: Option<u64>,
    loop_end: Option<u64>,
}

impl Want {
    fn read(settings: &Settings) -> Self {
        let frame = |key| u64::try_from(settings.int(key)).ok();
        Self {
            encoding: match settings.text("encoding") {
                "source" => SoundEncoding::Source,
                _ => SoundEncoding::Pcm16,
            },
            channels: u16::try_from(settings.int("channels")).unwrap_or(0),
            sample_rate: u32::try_from(settings.int("sample_rate")).unwrap_or(0),
            loop_start: frame("loop_start"),
            loop_end: frame("loop_end"),
        }
    }

    fn bake(&self, input: &SourceInput, limits: &Limits) -> Result<Baked, SoundProblem> {
        let format = format::recognise(&input.bytes)?;
        if self.encoding == SoundEncoding::Source {
            let bytes = (HEADER_SIZE + input.bytes.len()) as u64;
            if bytes > limits.max_payload_bytes {
                return Err(SoundProblem::Payload { bytes, most: limits.max_payload_bytes });
            }
        }
        let mut line = Line::new(self, format, limits);
        let Found { looping, mut notes } = decode::decode(format, &input.bytes, &mut line)?;
        let done = line.finish()?;
        let looping = self.looping(looping, &done, &mut notes)?;
        if done.clipped > 0 && format == SourceFormat::Wav {
            let samples = if done.clipped == 1 { "sample is" } else { "samples are" };
            notes.push(format!("{} {samples} beyond full scale, and became full scale", done.clipped));
        }
        let mut findings = mismatch(input, format);
        findings.extend(notes.into_iter().map(|note| Finding {
            severity: Severity::Warning,
            ..Finding::new(DiagnosticCode::BakeDecode, input, note)
        }));
        let info = SoundInfo {
            sample_rate: done.result.rate,
            channels: done.result.channels,
            speakers: done.result.speakers,
            frames: done.frames,
            looping,
        };
        let payload = match self.encoding {
            SoundEncoding::Source => encode_source(info, format, &input.bytes)?,
            SoundEncoding::Pcm16 => {
                let mut payload = done.payload;
                payload[..HEADER_SIZE].copy_from_slice(&pcm16_header(info)?);
                payload
            }
        };
        Ok(Baked { encoding: self.encoding.code(), payload, findings })
    }

    /// The channels and the rate to convert to, 0 for those of the source.
    fn for_pcm(&self) -> (u16, u32) {
        (self.channels, self.sample_rate)
    }

    /// Refuses settings that a file which is kept as it is cannot follow.
    fn check_kept(&self, format: SourceFormat, source: Shape) -> Result<(), SoundProblem> {
        let name = format::name(format);
        let what = if self.channels != 0 && self.channels != source.channels {
            format!("`channels = {}` cannot mix the {} of the {name}", self.channels, source.channels)
        } else if self.sample_rate != 0 && self.sample_rate != source.rate {
            format!("`sample_rate = {}` cannot change the {} of the {name}", self.sample_rate, source.rate)
        } else {
            return Ok(());
        };
        Err(SoundProblem::Settings {
            what: format!("`encoding = \"source\"` keeps the file as it is, so {what}"),
            help: "use the encoding \"pcm16\"",
        })
    }

    /// The loop of the payload: that of the settings, else that of the file.
    fn looping(
        &self,
        of_file: Option<(u64, u64)>,
        done: &Finished,
        notes: &mut Vec<String>,
    ) -> Result<Option<SoundLoop>, SoundProblem> {
        let frames = done.source_frames;
        // A comment that gives no end means the end of the sound.
        let of_file = of_file.map(|(start, end)| (start, if end == u64::MAX { frames } else { end }));
        if self.loop_end == Some(0) {
            return Ok(None);
        }
        let asked = self.loop_start.is_some() || self.loop_end.is_some();
        let (start, end) = match (asked, of_file) {
            (false, None) => return Ok(None),
            (false, Some((start, end))) => {
                if start >= end || end > frames {
                    notes.push(format!(
                        "the loop that the file gives, from frame {start} to before {end}, is not within its {frames} \
                         frames; it is left out"
                    ));
                    return Ok(None);
                }
                (start, end)
            }
            (true, of_file) => {
                let (start, end) = of_file.unwrap_or((0, frames));
                (self.loop_start.unwrap_or(start), self.loop_end.unwrap_or(end))
            }
        };
        let refuse = |what: String| SoundProblem::Settings {
            what,
            help: "`loop_start` must be before `loop_end`, and both count frames of the source",
        };
        if start >= end || end > frames {
            return Err(refuse(format!(
                "the loop from frame {start} to before {end} is not within the {frames} frames of the sound"
            )));
        }
        let place = |frame| resample::place(frame, done.source.rate, done.result.rate);
        let looping = SoundLoop { start: place(start), end: place(end).min(done.frames) };
        if looping.start >= looping.end {
            let rate = done.result.rate;
            return Err(refuse(format!(
                "the loop of {} frames is shorter than a frame at {rate} Hz",
                end - start
            )));
        }
        Ok(Some(looping))
    }
}

/// Says where the content is of another format than the extension.
fn mismatch(input: &SourceInput, found: SourceFormat) -> Vec<Finding> {
    let promised = format::of_extension(input.path.extension().unwrap_or_default());
    promised.filter(|promised| *promised != found).map_or_else(Vec::new, |promised| {
        let message = format!(
            "the content is {}, though the name promises {}",
            format::name(found),
            format::name(promised)
        );
        vec![Finding::new(DiagnosticCode::BakeContentMismatch, input, message)]
    })
}

#[cfg(test)]
mod tests;
