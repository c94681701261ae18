#!/usr/bin/env python3
"""Reads asset packs of format 1, as docs/pack-format.md describes them, with Python's standard library alone.

    read_pack.py list PACK            one JSON object a line for each asset
    read_pack.py cat PACK NAME|ID     the payload of one asset, to standard output
    read_pack.py check PACK...        everything that can be checked; one line a pack
    read_pack.py check -              the same for packs on standard input, each after its size as a u64

The module `blake3` is used where it can be imported, since the digests written here are slow. Payloads compressed with
Zstandard are decompressed where `compression.zstd` or `zstandard` can be imported; where not, that they were not read is
said. Written from the document, not from the Rust crate, so that the two can disagree.
"""

import json
import struct
import sys

try:
    from blake3 import blake3
except ImportError:
    blake3 = None

try:
    from compression import zstd
except ImportError:
    zstd = None
    try:
        import zstandard
    except ImportError:
        zstandard = None
else:
    zstandard = None

MAGIC = b"\x89PAK\r\n\x1a\n"
PAGE = 8192
COMPRESSIONS = ("none", "zstd", "lz4")
PRELOAD, ABSENT = 1, 2


class Damaged(Exception):
    """What the file holds is not a pack of format 1."""


class NotSupported(Exception):
    """This Python has no decompressor for a payload."""


def require(condition, what):
    if not condition:
        raise Damaged(what)


def align_up(offset, alignment):
    return -(-offset // alignment) * alignment


IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
# Columns, then diagonals: which words of the state each step mixes.
MIXED = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
MIXED += ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def mix_block(chaining, block, counter, flags):
    """The first half of what BLAKE3's compression function gives for one block of at most 64 bytes."""
    words = struct.unpack("<16I", block.ljust(64, bytes(1)))
    v = [*chaining, *IV[:4], counter & 0xFFFFFFFF, counter >> 32, len(block), flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(MIXED):
            for word, right, further in ((words[2 * i], 16, 12), (words[2 * i + 1], 8, 7)):
                v[a] = (v[a] + v[b] + word) & 0xFFFFFFFF
                x = v[d] ^ v[a]
                v[d] = (x >> right | x << (32 - right)) & 0xFFFFFFFF
                v[c] = (v[c] + v[d]) & 0xFFFFFFFF
                x = v[b] ^ v[c]
                v[b] = (x >> further | x << (32 - further)) & 0xFFFFFFFF
        words = [words[i] for i in PERMUTATION]
    return tuple(v[i] ^ v[i + 8] for i in range(8))


def subtree(data, first_chunk, flags):
    """The chaining value of a subtree of BLAKE3; the left half is the largest power of two chunks that leaves a right one."""
    if len(data) > 1024:
        left = 1024
        while 2 * left < len(data):
            left *= 2
        halves = (subtree(data[:left], first_chunk, 0), subtree(data[left:], first_chunk + left // 1024, 0))
        return mix_block(IV, struct.pack("<16I", *halves[0], *halves[1]), 0, PARENT | flags)
    chaining = IV
    blocks = [data[at : at + 64] for at in range(0, len(data), 64)] or [b""]
    for i, block in enumerate(blocks):
        last = (CHUNK_END | flags) if i == len(blocks) - 1 else 0
        chaining = mix_block(chaining, block, first_chunk, (CHUNK_START if i == 0 else 0) | last)
    return chaining


def digest(data):
    return blake3(data).digest() if blake3 else struct.pack("<8I", *subtree(data, 0, ROOT))


def hash_name(name):
    value = 0xCBF29CE484222325
    for byte in name:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value ^ (value >> 32)


def decompress_lz4(data, size):
    out = bytearray()
    at = 0

    def length(first):
        nonlocal at
        total = first
        if first == 15:
            while True:
                require(at < len(data), "an LZ4 block ends in a length")
                total += data[at]
                at += 1
                if data[at - 1] != 255:
                    break
        return total

    while True:
        require(at < len(data), "an LZ4 block ends before its last literals")
        token = data[at]
        at += 1
        literals = length(token >> 4)
        require(at + literals <= len(data), "an LZ4 block ends in literals")
        out += data[at : at + literals]
        at += literals
        require(len(out) <= size, "an LZ4 block is longer than the table says")
        if at == len(data):
            return bytes(out)
        require(at + 2 <= len(data), "an LZ4 block ends in an offset")
        distance = data[at] | data[at + 1] << 8
        at += 2
        count = length(token & 15) + 4
        require(0 < distance <= len(out), "an LZ4 block refers to before its start")
        require(len(out) + count <= size, "an LZ4 block is longer than the table says")
        for _ in range(count):
            out.append(out[-distance])


def decompress(compression, data, size):
    if compression == 0:
        return data
    if compression == 2:
        return decompress_lz4(data, size)
    if zstd:
        return zstd.decompress(data)
    if zstandard:
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    raise NotSupported("Zstandard")


class Strings:
    """`count + 1` offsets, the strings, and zeros up to a multiple of 8 bytes."""

    def __init__(self, data, count, string_bytes, section):
        self.section = section
        start = 4 * (count + 1)
        require(start + string_bytes <= len(data), f"the section of {section} is too small")
        self.offsets = struct.unpack_from(f"<{count + 1}I", data)
        self.text = data[start : start + string_bytes]
        rest = data[start + string_bytes :]
        require(len(rest) < 8 and not any(rest), f"the section of {section} has other padding than it should")
        require(self.offsets[0] == 0 and self.offsets[-1] == string_bytes, f"the offsets of {section} do not cover them")

    def __getitem__(self, at):
        start, end = self.offsets[at], self.offsets[at + 1]
        require(start < end <= len(self.text) and end - start <= 255, f"one of the {self.section} is damaged")
        return self.text[start:end]

    def text_of(self, at):
        try:
            return self[at].decode("utf-8")
        except UnicodeDecodeError:
            raise Damaged(f"one of the {self.section} is not UTF-8") from None


class Entry:
    def __init__(self, position, data):
        self.position = position
        fields = struct.unpack("<IBBBBQQQ32s", data)
        self.id, self.kind, self.encoding, self.compression, self.flags = fields[:5]
        self.offset, self.stored_size, self.raw_size, self.digest = fields[5:]

    @property
    def absent(self):
        return bool(self.flags & ABSENT)

    def payload_order(self):
        return (not self.flags & PRELOAD, self.id)

    def same_payload(self):
        return (self.digest, self.encoding, self.compression, self.stored_size, self.raw_size)


class Pack:
    """A pack whose header and structure have been checked; payloads are checked as they are read."""

    def __init__(self, data):
        self.data = data
        self.read_header()
        names = self.names_offset
        table = data[128:names]
        self.entries = [Entry(i, table[64 * i : 64 * i + 64]) for i in range(self.entry_count)]
        self.read_names(data[names : self.kinds_offset])
        self.read_kinds(data[self.kinds_offset : self.index_end])
        require(not any(data[self.pages_end : self.payloads_offset]), "the padding before the payloads is not zero")
        self.check_entries()
        self.check_places()

    def read_header(self):
        data = self.data
        require(len(data) >= 128, "it is shorter than a header")
        require(data[:8] == MAGIC, "it does not start as a pack does")
        (version, flags, self.entry_count, kind_count, alignment) = struct.unpack_from("<IIIHH", data, 8)
        require(version == 1, f"it has format version {version}")
        require(digest(data[:120])[:8] == data[120:128], "the header's checksum does not match")
        require(flags & ~1 == 0, "the header has unknown flags")
        require(self.entry_count <= 1 << 30 and kind_count <= 256, "the header's counts are too large")
        require(16 <= alignment <= 4096 and alignment & (alignment - 1) == 0, "the alignment is not one")
        self.incomplete, self.kind_count, self.alignment = bool(flags), kind_count, alignment
        sections = struct.unpack_from("<8Q", data, 24)
        table, table_size, names, names_size, kinds, kinds_size, payloads, payloads_size = sections
        require(table == 128 and table_size == 64 * self.entry_count, "the table is not where it should be")
        require(names == table + table_size and names_size % 8 == 0, "the names are not where they should be")
        require(kinds == names + names_size and kinds_size % 8 == 0, "the kinds are not where they should be")
        self.names_offset, self.kinds_offset, self.index_end = names, kinds, kinds + kinds_size
        self.pages_end = self.index_end + 32 * -(-(self.index_end - 128) // PAGE)
        require(payloads == align_up(self.pages_end, alignment), "the payloads are not where they should be")
        require(payloads + payloads_size == len(data), "the file is not as long as its header says")
        self.payloads_offset = payloads
        pages = data[self.index_end : self.pages_end]
        require(digest(pages) == data[88:120], "the page digests do not match their digest")
        for i, start in enumerate(range(128, self.index_end, PAGE)):
            page = data[start : min(start + PAGE, self.index_end)]
            require(digest(page) == pages[32 * i : 32 * i + 32], f"the page at {start} does not match its digest")

    def read_names(self, section):
        require(len(section) >= 8, "the section of names is too small")
        slot_count, string_bytes = struct.unpack_from("<II", section)
        expected = 1
        while expected < 2 * self.entry_count:
            expected *= 2
        require(slot_count == expected, "the index of names has another size than it should")
        require(len(section) >= 8 + 4 * slot_count, "the section of names is too small")
        self.slots = struct.unpack_from(f"<{slot_count}I", section, 8)
        self.names = Strings(section[8 + 4 * slot_count :], self.entry_count, string_bytes, "names")
        occupied = sorted(slot for slot in self.slots if slot)
        require(occupied == list(range(1, self.entry_count + 1)), "the index of names does not hold each name once")
        for entry in self.entries:
            require(self.find(self.names.text_of(entry.position)) == entry.position, "a name cannot be found, or is there twice")

    def read_kinds(self, section):
        require(len(section) >= 4, "the section of kinds is too small")
        (string_bytes,) = struct.unpack_from("<I", section)
        strings = Strings(section[4:], self.kind_count, string_bytes, "kinds")
        raw = [strings[i] for i in range(self.kind_count)]
        require(all(a < b for a, b in zip(raw, raw[1:])), "the kinds are not in order")
        self.kinds = [strings.text_of(i) for i in range(self.kind_count)]

    def check_entries(self):
        last = 0
        for entry in self.entries:
            what = f"the entry of asset {entry.id} is damaged"
            require(entry.id > last, "the table is not in the order of ids")
            last = entry.id
            require(entry.kind < self.kind_count and entry.compression < 3 and entry.flags & ~3 == 0, what)
            sizes = (entry.offset, entry.stored_size, entry.raw_size)
            if entry.absent:
                nothing = sizes == (0, 0, 0) and entry.encoding == 0 and entry.compression == 0
                require(nothing and entry.digest == bytes(32), what)
                continue
            if entry.compression == 0:
                require(entry.stored_size == entry.raw_size, what)
                require((entry.offset == 0) == (entry.raw_size == 0), what)
            else:
                require(0 < entry.stored_size < entry.raw_size, what)
            if entry.stored_size:
                end = entry.offset + entry.stored_size
                require(self.payloads_offset <= entry.offset and end <= len(self.data), what)
                require(entry.offset % self.alignment == 0, what)
        require({entry.kind for entry in self.entries} == set(range(self.kind_count)), "a kind is not used")
        require(any(e.absent for e in self.entries) == self.incomplete, "the flag of an incomplete pack is wrong")

    def check_places(self):
        """Payloads follow each other in payload order, with nothing but padding between them."""
        end = self.payloads_offset
        places = {}
        for entry in sorted(self.entries, key=Entry.payload_order):
            if not entry.stored_size:
                continue
            if places.get(entry.offset) == entry.same_payload():
                continue
            require(entry.offset == align_up(end, self.alignment), f"the payload of asset {entry.id} is out of place")
            places[entry.offset] = entry.same_payload()
            require(not any(self.data[end : entry.offset]), "the padding between payloads is not zero")
            end = entry.offset + entry.stored_size
        require(end == len(self.data), "there are bytes that belong to no payload")

    def find(self, name):
        key = name.encode("utf-8")
        at = hash_name(key)
        for _ in self.slots:
            slot = self.slots[at % len(self.slots)]
            if slot == 0:
                return None
            if slot <= self.entry_count and self.names[slot - 1] == key:
                return slot - 1
            at += 1
        return None

    def by_name(self, name):
        position = self.find(name)
        return None if position is None else self.entries[position]

    def by_id(self, number):
        low, high = 0, len(self.entries)
        while low < high:
            middle = (low + high) // 2
            if self.entries[middle].id < number:
                low = middle + 1
            else:
                high = middle
        found = low < len(self.entries) and self.entries[low].id == number
        return self.entries[low] if found else None

    def payload(self, entry):
        if entry.absent:
            return None
        stored = self.data[entry.offset : entry.offset + entry.stored_size]
        what = f"the payload of asset {entry.id} is damaged"
        try:
            payload = decompress(entry.compression, stored, entry.raw_size)
        except (Damaged, NotSupported):
            raise
        except Exception as error:  # Each decompressor has its own.
            raise Damaged(what) from error
        require(len(payload) == entry.raw_size, what)
        require(digest(payload) == entry.digest, what)
        return payload


def read(path):
    with open(path, "rb") as file:
        return Pack(file.read())


def list_pack(path):
    pack = read(path)
    for entry in pack.entries:
        row = {
            "id": entry.id,
            "name": pack.names.text_of(entry.position),
            "kind": pack.kinds[entry.kind],
            "encoding": entry.encoding,
            "compression": COMPRESSIONS[entry.compression],
            "preload": bool(entry.flags & PRELOAD),
            "size": entry.raw_size,
            "stored_size": entry.stored_size,
            "digest": None if entry.absent else "b3:" + entry.digest.hex(),
        }
        print(json.dumps(row, ensure_ascii=False))
    return 0


def cat(path, key):
    pack = read(path)
    entry = pack.by_name(key)
    if entry is None and key.isdigit():
        entry = pack.by_id(int(key))
    payload = None if entry is None else pack.payload(entry)
    if payload is None:
        print(f"{path} has no payload for {key!r}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(payload)
    return 0


def check_one(data, unread):
    """The number of entries; raises `Damaged`. Notes what it has no decompressor for."""
    pack = Pack(data)
    for entry in pack.entries:
        require(pack.by_id(entry.id) is entry, f"asset {entry.id} cannot be found")
        try:
            pack.payload(entry)
        except NotSupported as error:
            unread.add(str(error))
    return len(pack.entries)


def packs_of(paths):
    """Each path's name and bytes; those of standard input are named by their numbers."""
    for path in paths:
        if path != "-":
            with open(path, "rb") as file:
                yield path, file.read()
            continue
        number = 0
        while size := sys.stdin.buffer.read(8):
            yield number, sys.stdin.buffer.read(struct.unpack("<Q", size)[0])
            number += 1


def check(paths):
    damaged = False
    unread = set()
    for name, data in packs_of(paths):
        try:
            print(f"{name}: ok, {check_one(data, unread)} entries")
        except Damaged as error:
            damaged = True
            print(f"{name}: damaged: {error}")
    for name in sorted(unread):
        print(f"payloads compressed with {name} were not read: there is no module for it", file=sys.stderr)
    return int(damaged)


def main(arguments):
    try:
        match arguments:
            case ["list", path]:
                return list_pack(path)
            case ["cat", path, key]:
                return cat(path, key)
            case ["check", *paths] if paths:
                return check(paths)
    except Damaged as error:
        print(f"damaged: {error}", file=sys.stderr)
        return 1
    except NotSupported as error:
        print(f"there is no module for {error}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
