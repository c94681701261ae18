#!/usr/bin/env python3
"""Compares unpacked payloads with the sources of a project, without using any code of the packer's.

    packer list --format json | compare_unpacked.py PROJECT UNPACKED [--images N] [--rows FILE]

What a payload must be is computed from the source by other decoders: Pillow for pictures; libsndfile, by the module soundfile, for
sounds; Python's own modules for JSON, TOML and CSV. Where these are known to do otherwise than docs/kinds.md says, another one
is asked: pypng for PNGs of 16 bits, which Pillow cuts off instead of rounding, and for grey ones with a transparent value, which Pillow
does not always apply; read_bmp.py for masks, 16 bits and runs; a function here for WAVs with 24 bits in the lower three of four bytes.
Of a GIF and of an animated WebP the canvas is what is compared: not what is outside it, and not the colour of what is
transparent there. Of what is lossless, every pixel, sample and value must be equal. Of JPEG, lossy WebP, Vorbis and MP3 decoders differ
rightly, so the greatest difference is told, and is an error only beyond what rounding explains. Sources that the other
decoder cannot read are counted and named, and are no error.

Settings that change pixels or samples are not known here: the assets must have the default ones, and payloads of an encoding other
than the default are an error. The readers of the headers are written from docs/pack-format.md.

Needs the module Pillow. Without soundfile or pypng, what needs them counts as not read by another decoder. `--images N` compares
only N images, spread evenly. `--rows` writes one line of JSON a file.
"""

import argparse
import collections
import csv
import io
import json
import pathlib
import re
import struct
import sys
import tomllib

import read_bmp
from PIL import Image

try:
    import numpy
    import soundfile
except ImportError:
    soundfile = None
try:
    import png
except ImportError:
    png = None

SIDECAR = ".asset.toml"
# How many steps, of 255 and of 65535, decoders of lossy formats may be apart.
LOSSY_IMAGE, LOSSY_SOUND = 8, 1


class NotRead(Exception):
    """The other decoder does not read the source: nothing can be said of the payload."""


class Different(Exception):
    """The payload is not what it must be."""


# Pictures.


def pixels(payload):
    """Width, height and RGBA bytes of an `image` payload in the encoding rgba8."""
    width, height, flags, source, colours = struct.unpack_from("<IIIII", payload)
    if flags & 1:
        raise Different("the colours are multiplied by alpha")
    body = payload[32:]
    if source or colours or len(body) != width * height * 4:
        raise Different(f"{len(body)} bytes of pixels for {width} x {height}")
    opaque = all(alpha == 255 for alpha in body[3::4])
    if bool(flags & 2) != opaque:
        raise Different("the header is wrong about being opaque")
    return width, height, body


def special_png(source):
    """Width, height and RGBA bytes of a PNG with samples of 16 bits, or of a grey one with a transparent value."""
    deep = source[24] == 16
    if not deep and (source[25] != 0 or b"tRNS" not in source):
        return None
    if png is None:
        raise NotRead("the module pypng is missing")
    width, height, rows, _ = png.Reader(bytes=source).asRGBA() if deep else png.Reader(bytes=source).asRGBA8()
    scale = 257 if deep else 1
    return width, height, bytes((v + scale // 2) // scale for row in rows for v in row)


def on_canvas(source, image):
    """The first frame of a GIF within its canvas, and nothing elsewhere."""
    canvas = Image.new("RGBA", struct.unpack_from("<HH", source, 6))
    box = image.tile[0][1]
    canvas.paste(image.convert("RGBA").crop(box), box[:2])
    return canvas


def expected_pixels(source):
    """Width, height and RGBA bytes of the first frame, and whether the format is lossless."""
    try:
        special = None
        if source[:8] == b"\x89PNG\r\n\x1a\n":
            special = special_png(source)
        elif source[:2] == b"BM":
            special = read_bmp.read(source)
        if special:
            return *special, True
        with Image.open(io.BytesIO(source)) as image:
            lossless = image.format not in ("JPEG", "MPO", "WEBP") or b"VP8L" in source[12:64]
            found = on_canvas(source, image) if image.format == "GIF" else image.convert("RGBA")
            return found.width, found.height, found.tobytes(), lossless
    except NotRead:
        raise
    except Exception as error:
        raise NotRead(f"{type(error).__module__}: {error}") from error


def without_hidden_colours(body):
    """The same pixels, where those that are transparent have no colour."""
    return b"".join(body[at : at + 4] if body[at + 3] else bytes(4) for at in range(0, len(body), 4))


def compare_image(source, payload):
    found = pixels(payload)
    width, height, body, lossless = expected_pixels(source)
    if source[8:12] == b"WEBP" and b"ANIM" in source[:64]:
        found, body = (*found[:2], without_hidden_colours(found[2])), without_hidden_colours(body)
    if found[:2] != (width, height):
        raise Different(f"{found[0]} x {found[1]} pixels; Pillow has {width} x {height}")
    if found[2] == body:
        return 0
    pairs = zip(found[2], body)
    apart = [(at, abs(a - b)) for at, (a, b) in enumerate(pairs) if a != b]
    most = max(difference for _, difference in apart)
    if lossless or most > LOSSY_IMAGE:
        at = apart[0][0]
        place = f"the first at {at // 4 % width}, {at // 4 // width}, channel {at % 4}"
        values = f"{found[2][at]} instead of {body[at]}"
        raise Different(f"{len(apart)} of {len(body)} samples differ, by at most {most}; {place}: {values}")
    return most


# Sounds.


def lower_three(source):
    """The samples of a WAV that has 24 bits in the lower three of four bytes, as 32 bits, or `None`."""
    at, form = 12, None
    while at + 8 <= len(source):
        name, size = struct.unpack_from("<4sI", source, at)
        body = source[at + 8 : at + 8 + size]
        if name == b"fmt ":
            tag, channels, _, _, block, bits = struct.unpack_from("<HHIIHH", body)
            valid = struct.unpack_from("<H", body, 18)[0] if tag == 0xFFFE else bits
            form = (block == channels * 4 and valid == 24) and channels
        if name == b"data" and form:
            found = numpy.frombuffer(body, dtype="<i4").astype(numpy.int64).reshape(-1, form)
            empty = numpy.isin(found >> 24, (0, -1)).all()
            return ((found & 0xFFFFFF ^ 0x800000) - 0x800000) * 256 if empty else None
        at += 8 + size + size % 2
    return None


def compare_sound(source, payload):
    rate, channels, _, frames = struct.unpack_from("<IHHQ", payload)
    if len(payload) != 48 + frames * channels * 2:
        raise Different(f"{len(payload) - 48} bytes of samples for {frames} frames of {channels} channels")
    if soundfile is None:
        raise NotRead("the module soundfile is missing")
    try:
        with soundfile.SoundFile(io.BytesIO(source)) as file:
            lossless = file.format in ("WAV", "WAVEX", "FLAC")
            exact = file.subtype in ("PCM_U8", "PCM_S8", "PCM_16")
            deep = file.subtype in ("PCM_24", "PCM_32")
            data = file.read(dtype="int16" if exact else "int32" if deep else "float64", always_2d=True)
            their_rate, their_channels = file.samplerate, file.channels
    except Exception as error:
        raise NotRead(f"libsndfile: {error}") from error
    shifted = lower_three(source) if deep else None
    if shifted is not None:
        data = shifted
    if deep:
        data = (data.astype(numpy.int64) + 32768) >> 16
    elif not exact:
        data = numpy.floor(data * 32768 + 0.5)
    expected = numpy.clip(data, -32768, 32767).astype(numpy.int64)
    found = numpy.frombuffer(payload, dtype="<i2", offset=48).astype(numpy.int64).reshape(-1, channels)
    if (rate, found.shape) != (their_rate, expected.shape):
        theirs = f"{len(expected)} frames of {their_channels} channels at {their_rate}"
        raise Different(f"{frames} frames of {channels} channels at {rate}; libsndfile has {theirs}")
    apart = numpy.abs(found - expected)
    most = int(apart.max(initial=0))
    if most > (0 if lossless else LOSSY_SOUND):
        at = int(numpy.argmax(apart.any(axis=1)))
        values = f"{found[at].tolist()} instead of {expected[at].tolist()}"
        raise Different(f"{int((apart > 0).sum())} samples differ, by at most {most}; frame {at}: {values}")
    return most


# Values and texts.


def object_of(pairs):
    """An object, in which no key stands twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Different("the source has a key twice, and was baked")
    return found


def number(digits):
    """A whole number, or the nearest float where it does not fit 64 bits."""
    whole = int(digits)
    return whole if -(2**63) <= whole < 2**64 and digits != "-0" else float(digits)


def expected_value(path, text):
    if path.suffix.lower() == ".toml":
        value = tomllib.loads(text)
        return json.loads(json.dumps(value, default=lambda date: date.isoformat()))
    if path.suffix.lower() == ".csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    return json.loads(text, object_pairs_hook=object_of, parse_int=number)


def same(a, b):
    """Whether two values are equal, where 1, 1.0 and true are three values."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def sorted_keys(value):
    """Whether the keys of every object stand in the order of their bytes."""
    if isinstance(value, dict):
        keys = [key.encode() for key in value]
        return keys == sorted(keys) and all(map(sorted_keys, value.values()))
    return not isinstance(value, list) or all(map(sorted_keys, value))


def compare_data(path, source, payload):
    try:
        expected = expected_value(path, source.decode("utf-8-sig"))
    except Different:
        raise
    except Exception as error:
        raise NotRead(f"Python: {error}") from error
    found = json.loads(payload)
    if not same(found, expected):
        raise Different("the value is another")
    if not sorted_keys(found):
        raise Different("the keys are not in their order")
    return 0


def compare_bytes(payload, expected):
    if payload != expected:
        raise Different("the payload is not the source")
    return 0


def compare(kind, path, payload):
    """The greatest difference of a payload from what its source says it must be."""
    source = path.read_bytes()
    if kind == "image":
        return compare_image(source, payload)
    if kind == "sound":
        return compare_sound(source, payload)
    if kind == "data":
        return compare_data(path, source, payload)
    if kind == "text":
        return compare_bytes(payload, re.sub(rb"\r\n?", b"\n", source.removeprefix(b"\xef\xbb\xbf")))
    return compare_bytes(payload, source)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("project", type=pathlib.Path)
    arguments.add_argument("unpacked", type=pathlib.Path)
    arguments.add_argument("--images", type=int)
    arguments.add_argument("--rows", type=pathlib.Path)
    arguments = arguments.parse_args()

    assets = arguments.project / "assets"
    chosen, images = [], []
    for row in (json.loads(line) for line in sys.stdin if line.strip()):
        if row["id"] is None or not row["anchor"].endswith(SIDECAR):
            continue
        target = arguments.unpacked / f"{row['name']}.{row['kind']}"
        if not target.is_file():
            target = arguments.unpacked / f"{row['name']}~{row['id']}.{row['kind']}"
        if target.is_file():
            source = row["anchor"][: -len(SIDECAR)]
            (images if row["kind"] == "image" else chosen).append((row["kind"], source, target))
    if arguments.images is not None:
        step = max(1, len(images) // max(1, arguments.images))
        images = images[::step][: arguments.images]

    counts = collections.defaultdict(collections.Counter)
    rows = []
    for kind, source, target in chosen + images:
        said = ""
        try:
            most = compare(kind, assets / source, target.read_bytes())
            result = "equal" if most == 0 else f"within {most}"
        except NotRead as error:
            result, said = "not read", str(error)
        except Different as error:
            result, said = "different", str(error)
        if said:
            print(f"{source}: {result}: {said}")
        counts[kind, pathlib.PurePath(source).suffix.lower()][result] += 1
        rows.append({"source": source, "kind": kind, "result": result, "why": said})
    for (kind, suffix), results in sorted(counts.items()):
        told = ", ".join(f"{count} {result}" for result, count in sorted(results.items()))
        print(f"{kind} {suffix or 'without extension'}: {told}")
    if arguments.rows:
        arguments.rows.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return 1 if not rows or any(row["result"] == "different" for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
