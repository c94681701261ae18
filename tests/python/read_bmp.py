"""Reads the forms of BMP that Pillow does not read, or reads otherwise, written from the format's description alone.

Masks of any width (each sample rounded to the nearest of 8 bits, alpha only where a mask says so), 16 bits, palettes of 2 bits, and
runs of 4 and 8 bits, in which what is skipped is transparent. Everything else, and what is damaged, is not read: `None`.
"""

import struct

OPAQUE, NOTHING = 255, (0, 0, 0, 0)


def scaled(value, mask):
    """The sample of `value` under `mask`, of 255."""
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    return ((value & mask) >> shift) * 510 // most + 1 >> 1


def runs(data, width, height, wide):
    """The indices of a run-length encoded picture, from the bottom; `None` where nothing is drawn."""
    rows = [[None] * width for _ in range(height)]
    x = y = at = 0

    def draw(index):
        nonlocal x
        if x < width and y < height:
            rows[y][x] = index
        x += 1

    def indices(value):
        return (value,) if wide else (value >> 4, value & 15)

    while y < height:
        count, value = data[at : at + 2]
        at += 2
        if count:
            pair = indices(value)
            for step in range(count):
                draw(pair[step % len(pair)])
        elif value == 0:
            x, y = 0, y + 1
        elif value == 1:
            break
        elif value == 2:
            x, y, at = x + data[at], y + data[at + 1], at + 2
        else:
            length = value if wide else (value + 1) // 2
            found = [index for byte in data[at : at + length] for index in indices(byte)]
            for index in found[:value]:
                draw(index)
            at += length + length % 2
    return rows


def plain(data, width, height, bits):
    """The values of a picture that is stored as it is, in the order of the file."""
    stride = (width * bits + 31) // 32 * 4
    for y in range(height):
        row = data[y * stride : (y + 1) * stride]
        if bits >= 8:
            step = bits // 8
            yield [int.from_bytes(row[x * step : (x + 1) * step], "little") for x in range(width)]
        else:
            places = ((x * bits // 8, 8 - bits - x * bits % 8) for x in range(width))
            yield [row[byte] >> shift & (1 << bits) - 1 for byte, shift in places]


def read(source):
    """Width, height and RGBA bytes, or `None` where Pillow knows the form."""
    if source[:2] != b"BM":
        return None
    start, size = struct.unpack_from("<II", source, 10)
    if size < 40:
        return None
    width, height, _, bits, compression, _, _, _, used = struct.unpack_from("<iiHHIIiiI", source, 18)
    top_down, height = height < 0, abs(height)
    data = source[start:]
    masks = struct.unpack_from("<III", source, 54)
    masks += struct.unpack_from("<I", source, 66) if size >= 56 else (0,)
    if compression in (1, 2):
        rows = runs(data, width, height, compression == 1)
    elif compression == 3 or bits in (2, 16):
        rows = list(plain(data, width, height, bits))
        if compression == 0:
            masks = (0x7C00, 0x3E0, 0x1F, 0)
    else:
        return None
    if bits <= 8:
        table = source[14 + size :]
        colours = [table[at * 4 : at * 4 + 3][::-1] for at in range(used or 1 << bits)]

        def pixel(index):
            return NOTHING if index is None else (*(colours[index] if index < len(colours) else bytes(3)), OPAQUE)
    else:

        def pixel(value):
            red, green, blue, alpha = (scaled(value, mask) if mask else None for mask in masks)
            return red or 0, green or 0, blue or 0, OPAQUE if alpha is None else alpha

    body = bytes(sample for row in (rows if top_down else rows[::-1]) for value in row for sample in pixel(value))
    return width, height, body
