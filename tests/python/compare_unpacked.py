#!/usr/bin/env python3
"""Compares unpacked payloads with the sources of a project, without using any code of the packer's.

    packer list --format json | compare_unpacked.py PROJECT UNPACKED [--images N]

Every payload of the kind `raw` must equal its source byte for byte. N images (50 unless told), spread evenly over those whose
format decodes to one right answer, must have the pixels that Pillow decodes; the reader of the image header is written
from docs/pack-format.md. Needs the module Pillow.
"""

import argparse
import json
import pathlib
import struct
import sys

from PIL import Image

SIDECAR = ".asset.toml"
LOSSLESS = {".png", ".tga", ".bmp", ".gif", ".qoi"}


def pixels(payload):
    """Width, height and RGBA bytes of an `image` payload in the encoding rgba8."""
    width, height, flags = struct.unpack_from("<III", payload)
    if flags & 1:
        raise ValueError("the colours are multiplied by alpha")
    body = payload[32:]
    if len(body) != width * height * 4:
        raise ValueError(f"{len(body)} bytes of pixels for {width} x {height}")
    return width, height, body


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("project", type=pathlib.Path)
    arguments.add_argument("unpacked", type=pathlib.Path)
    arguments.add_argument("--images", type=int, default=50)
    arguments = arguments.parse_args()

    rows = [json.loads(line) for line in sys.stdin if line.strip()]
    assets = arguments.project / "assets"
    raws, images, wrong = 0, [], 0
    for row in rows:
        if row["id"] is None or not row["anchor"].endswith(SIDECAR):
            continue
        source = assets / row["anchor"][: -len(SIDECAR)]
        target = arguments.unpacked / f"{row['name']}.{row['kind']}"
        if not target.is_file():
            target = arguments.unpacked / f"{row['name']}~{row['id']}.{row['kind']}"
        if row["kind"] == "raw":
            raws += 1
            if target.read_bytes() != source.read_bytes():
                print(f"{row['name']}: the payload is not the source")
                wrong += 1
        elif row["kind"] == "image" and source.suffix.lower() in LOSSLESS:
            images.append((row["name"], source, target))

    step = max(1, len(images) // arguments.images) if arguments.images else 1
    sampled = images[::step][: arguments.images]
    for name, source, target in sampled:
        with Image.open(source) as image:
            expected = image.convert("RGBA")
        found = pixels(target.read_bytes())
        if found != (expected.width, expected.height, expected.tobytes()):
            print(f"{name}: the pixels are not those that Pillow decodes")
            wrong += 1
    print(f"{raws} raw payloads and {len(sampled)} of {len(images)} images compared, {wrong} differ")
    return 1 if wrong or not raws or not sampled else 0


if __name__ == "__main__":
    sys.exit(main())
