#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# A second reader of multi-images, written from docs/format.md alone: it proves that the document
# is enough.  It is slow, and follows the document's order and words; where the two readers
# differ, one of them or the document is wrong.
#
#       tests/reader/second-reader.py FILE FOLDER [NAME]...
#
# rebuilds the variants (all, or those named) and writes each as FOLDER/NAME.  It ends with
# 0, or with 3 and a message where FILE breaks a rule.
import bisect
import hashlib
import lzma
import os
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from functools import cached_property, lru_cache

MAGIC = bytes.fromhex("89494e474f540d0a")
COMMON_STREAMS, GROUP_STREAMS = 30, 23
DEFLATE, XZ, ZSTD = 1, 2, 3

# Entry kinds.
BODY, FOLD, SPACE, ORC_IP, ORC, OFFSETS, NAMES, MARKERS, SEQS, SLIDES, PATCH, RETURNS, RETPOLINES, \
    BTF, CODE, STRINGS, EXPORTS, GPL_EXPORTS = range(18)
SLOTS, IS_CODE, RECORDS, ADDRESSED, PER_CPU, BITS_32 = 1, 2, 4, 8, 16, 32
BEFORE, PAYLOAD, BEHIND, NO_BYTES = range(4)
ABSENT = (1 << 64) - 1


class Broken(Exception):
    """FILE breaks a rule of the format."""


def require(rule, text):
    if not rule:
        raise Broken(text)


def le32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def le64(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def signed(n):
    return -(n + 1 >> 1) if n & 1 else n >> 1


def sign_extended(address):
    """The lower 32 bits of an address as the 64 bits that they stand for."""
    address &= 0xffffffff
    return address | 0xffffffff00000000 if address & 0x80000000 else address


# --- Streams ----------------------------------------------------------------------------------
class Numbers:
    """A stream of varints."""

    def __init__(self, name, data):
        self.name = name
        self.left = iter(self.decoded(data))

    def decoded(self, data):
        if data.isascii():
            return data
        numbers, number, shift = [], 0, 0
        for byte in data:
            number |= (byte & 127) << shift
            if byte & 128:
                shift += 7
                require(shift <= 28, f"{self.name}: a varint is too long")
            else:
                numbers.append(number)
                require(number >> 32 == 0, f"{self.name}: a varint has more than 32 bits")
                number = shift = 0
        require(shift == 0, f"{self.name}: the last varint is cut off")
        return numbers

    def next(self):
        number = next(self.left, None)
        require(number is not None, f"{self.name}: ends early")
        return number

    def signed(self):
        return signed(self.next())

    def end(self):
        require(next(self.left, None) is None, f"{self.name}: more than is used")


class Octets:
    """A stream of bytes.  With the ends of chunks, what is taken between two calls of entry()
    is in one chunk."""

    def __init__(self, name, data, ends=None):
        self.name = name
        self.size = len(data)
        # The decoder of instructions looks at bytes behind the end, but takes none.
        self.data = data + bytes(32)
        self.ends = iter(ends if ends else [self.size])
        self.chunk_end = next(self.ends)
        self.at = 0

    def entry(self):
        if self.at == self.chunk_end:
            self.chunk_end = next(self.ends, self.size)

    def moved_to(self, at):
        require(at <= self.chunk_end, f"{self.name}: ends early, or an entry is in two chunks")
        self.at = at

    def take(self, size):
        at = self.at
        self.moved_to(at + size)
        return self.data[at:at + size]

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                require(number >> 32 == 0, f"{self.name}: a varint has more than 32 bits")
                return number
            require(shift <= 28, f"{self.name}: a varint is too long")

    def end(self):
        require(self.at == self.size, f"{self.name}: more than is used")


def strings(name, data):
    """Of a stream of NUL-terminated strings."""
    require(not data or data[-1] == 0, f"{name}: the last string is cut off")
    return data.split(b"\0")[:-1]


def unpacked(codec, packed, raw_size, before):
    """A chunk; `before` is the one that codec 3 may refer to."""
    if len(packed) == raw_size:
        return packed
    try:
        if codec == ZSTD:
            raw = zstd(packed, before)
        else:
            decoder = zlib.decompressobj(-15) if codec == DEFLATE else lzma.LZMADecompressor(
                lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2,
                                           "dict_size": max(raw_size, 4096)}])
            raw = decoder.decompress(packed, raw_size + 1)
            require(decoder.eof and not decoder.unused_data, "a chunk is not all of one output")
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise Broken(f"a chunk does not unpack: {error}") from None
    require(len(raw) == raw_size, f"a chunk has {len(raw)} bytes instead of {raw_size}")
    return raw


def zstd(packed, before):
    """By the program zstd, which wants the magic number that the store leaves out."""
    with tempfile.NamedTemporaryFile() as dictionary:
        dictionary.write(before)
        dictionary.flush()
        run = subprocess.run(["zstd", "-dcq", *(["-D", dictionary.name] if before else [])],
                             input=bytes.fromhex("28b52ffd") + packed, capture_output=True,
                             check=False)
    require(run.returncode == 0, f"a chunk does not unpack: {run.stderr.decode().strip()}")
    return run.stdout


# --- Section 2: header and tables --------------------------------------------------------------
class Variant:
    """A row of section 2.1."""
    NUMBERS = ("image_size", "setup_size", "prefix_size", "suffix_size", "compact_size",
               "payload_size", "init_size", "load_addr", "load_size", "load_room", "pvh_entry",
               "xen_entry", "xen_virt_base", "work_size")

    def __init__(self, index, row):
        self.index = index
        self.bit = 1 << index
        name = row[:32].rstrip(b"\0")
        require(1 <= len(name) <= 31 and b"\0" not in name, f"variant {index} has no right name")
        self.name = name.decode("ascii", "backslashreplace")
        self.kind, self.payload_crc = struct.unpack_from("<II", row, 32)
        for i, number in enumerate(self.NUMBERS):
            setattr(self, number, le64(row, 40 + 8 * i))
        self.fold_count, *self.slide_counts = struct.unpack_from("<4I", row, 152)
        self.image_digest, self.payload_digest = row[168:200], row[200:232]
        require(self.kind in (1, 2, 3), f"{self.name}: kind {self.kind}")
        require(self.setup_size <= self.prefix_size, f"{self.name}: set-up larger than prefix")
        require(self.payload_size <= 1 << 30, f"{self.name}: payload of {self.payload_size} bytes")
        require(self.compact_size <= self.payload_size, f"{self.name}: a larger compact payload")
        require(max(self.prefix_size, self.suffix_size) <= 1 << 30,
                f"{self.name}: a large prefix or suffix")
        require(max(self.image_size, self.load_size, self.load_room) <= 1 << 32,
                f"{self.name}: a size above 2^32")
        require(self.fold_count <= self.payload_size // 4096,
                f"{self.name}: {self.fold_count} folds")
        if self.kind != 1:
            require(self.setup_size == self.prefix_size and self.suffix_size == 0
                    and self.image_size == self.payload_size, f"{self.name}: sizes of no ELF file")


class Store:
    def __init__(self, data):
        self.data = data
        self.read_header()
        self.read_tables()

    def read_header(self):
        data = self.data
        require(len(data) >= 112 and data[:8] == MAGIC, "not a store")
        version, self.tables_size, store_size = struct.unpack_from("<IIQ", data, 8)
        require(version == 3, f"version {version} instead of 3")
        (self.variant_count, self.rule_count, self.stream_count, self.chunk_count,
         self.default_variant) = struct.unpack_from("<5I", data, 24)
        self.codec, self.pool_mark = data[44], data[45]
        require(store_size == len(data), f"store_size {store_size}, but {len(data)} bytes")
        require(112 <= self.tables_size <= store_size, f"tables_size {self.tables_size}")
        require(sha256(data[:80], bytes(32), data[112:self.tables_size]) == data[80:112],
                "table_digest is wrong")
        require(1 <= self.variant_count <= 32, f"{self.variant_count} variants")
        require(self.rule_count <= 256, f"{self.rule_count} rules")
        self.group_count, rest = divmod(self.stream_count - COMMON_STREAMS, GROUP_STREAMS)
        require(rest == 0 and 1 <= self.group_count <= 64, f"{self.stream_count} streams")
        require(self.chunk_count <= 65536, f"{self.chunk_count} chunks")
        require(self.default_variant < self.variant_count, "no such default variant")
        require(self.codec in (DEFLATE, XZ, ZSTD), f"codec {self.codec}")
        require(data[46:48] == bytes(2), "reserved bytes are not zero")
        require(sha256(data[self.tables_size:]) == data[48:80], "store_digest is wrong")

    def read_tables(self):
        table = Octets("tables", self.data[112:self.tables_size])
        self.variants = []
        row = bytearray(232)
        for index in range(self.variant_count):
            follows = le64(table.take(8), 0)
            require(follows >> 58 == 0, f"variant {index}: a row has 58 words")
            for word in range(58):
                if follows >> word & 1:
                    row[4 * word:4 * word + 4] = table.take(4)
            self.variants.append(Variant(index, bytes(row)))
        for _ in range(self.rule_count):
            platform, level, variant, _priority = struct.unpack("<BBHI", table.take(8))
            require(platform <= 12, f"a rule for platform {platform}")
            require(level <= 4, f"a rule for level {level}")
            require(variant < self.variant_count, f"a rule for variant {variant}")
        streams = [struct.unpack("<IIQ", table.take(16)) for _ in range(self.stream_count)]
        chunks = [struct.unpack("<II", table.take(8)) for _ in range(self.chunk_count)]
        table.end()

        self.streams = []
        first, at = 0, self.tables_size
        for number, (count, max_chunk, raw_size) in enumerate(streams):
            own = chunks[first:first + count]
            require(len(own) == count, f"stream {number}: not so many chunks")
            first += count
            require(max_chunk <= 16 << 20, f"stream {number}: max_chunk {max_chunk}")
            require(max([raw for _, raw in own], default=0) == max_chunk,
                    f"stream {number}: max_chunk is wrong")
            require(sum(raw for _, raw in own) == raw_size, f"stream {number}: raw_size is wrong")
            self.streams.append([])
            for packed, raw in own:
                require(1 <= packed <= raw, f"stream {number}: a chunk of {packed}, {raw} bytes")
                self.streams[-1].append((at, packed, raw))
                at += packed
        require(first == self.chunk_count, "chunks that are of no stream")
        require(at == len(self.data), "the chunks do not fill the store")

    def chunks(self, number):
        """The unpacked chunks of a stream."""
        group_stream = number - COMMON_STREAMS
        in_body = group_stream >= 0 and group_stream % GROUP_STREAMS >= 9
        whole = group_stream < 0 or group_stream % GROUP_STREAMS < 9
        require(not whole or sum(raw for _, _, raw in self.streams[number]) <= 64 << 20,
                f"stream {number}: more than 64 MiB")
        raw_chunks = []
        for at, packed, raw in self.streams[number]:
            before = raw_chunks[-1] if in_body and raw_chunks else b""
            try:
                raw_chunks.append(unpacked(self.codec, self.data[at:at + packed], raw, before))
            except Broken as error:
                raise Broken(f"stream {number}: {error}") from None
        return raw_chunks

    def raw(self, number):
        return b"".join(self.chunks(number))

    def numbers(self, number):
        return Numbers(f"stream {number}", self.raw(number))

    def octets(self, number):
        return Octets(f"stream {number}", self.raw(number))

    def chunked(self, number):
        chunks = self.chunks(number)
        ends, end = [], 0
        for chunk in chunks:
            end += len(chunk)
            ends.append(end)
        return Octets(f"stream {number}", b"".join(chunks), ends)

    @cached_property
    def master(self):
        return Master(self)

    @cached_property
    def symbols(self):
        return read_symbols(self)

    @cached_property
    def tokens(self):
        return read_tokens(self)

    @cached_property
    def sites(self):
        return read_sites(self)

    @cached_property
    def btf(self):
        return Types(self)

    @cached_property
    def strings(self):
        return Strings(self)

    # One reading serves all variants that use the same groups.
    @lru_cache(maxsize=1)
    def contents(self, groups):
        return Contents(self, groups)


# --- Sections 3.1, 4 to 4.2: sections, entries, slots ------------------------------------------
class Section:
    def __init__(self, row):
        self.name = row[:32].rstrip(b"\0").decode("ascii", "backslashreplace")
        self.part, self.flags, self.body, self.columns, self.entry_count = struct.unpack_from(
            "<4BI", row, 32)
        require(self.part <= NO_BYTES, f"section {self.name}: part {self.part}")
        require(self.flags < 64, f"section {self.name}: flags {self.flags:#x}")
        require(self.body <= 4, f"section {self.name}: body {self.body}")
        require(1 <= self.columns <= 8, f"section {self.name}: {self.columns} columns")
        require(not self.flags & PER_CPU or self.flags & ADDRESSED,
                f"section {self.name}: offsets without address")
        self.addresses = self.loads = None


class Entry:
    __slots__ = ("section", "kind", "membership", "size", "fold", "slot", "group")


class Master:
    """The master sequence, without what is in groups."""

    def __init__(self, store):
        self.read_sections(store)
        self.read_memberships(store)
        self.read_entries(store)
        self.place_pool(store)

    def read_sections(self, store):
        table = store.octets(0)
        count = le32(table.take(4), 0)
        require(count <= 4096, f"{count} sections")
        self.sections = [Section(table.take(40)) for _ in range(count)]
        for section in self.sections:
            if section.flags & ADDRESSED:
                section.addresses = struct.unpack(f"<{store.variant_count}Q",
                                                  table.take(8 * store.variant_count))
                section.loads = section.addresses
            if section.flags & PER_CPU:
                section.loads = struct.unpack(f"<{store.variant_count}Q",
                                              table.take(8 * store.variant_count))
        require(sum(bool(s.flags & PER_CPU) for s in self.sections) <= 1, "two per-CPU sections")
        table.end()

    def read_memberships(self, store):
        raw, groups = store.raw(1), store.raw(2)
        require(len(raw) == 4 * len(groups) and len(groups) <= 65536,
                f"{len(raw)} bytes of memberships, of {len(groups)} groups")
        self.memberships = struct.unpack(f"<{len(groups)}I", raw)
        self.groups = groups
        for membership in self.memberships:
            require(membership >> store.variant_count == 0, f"membership {membership:#x}")
        require(all(g < store.group_count for g in groups), "a membership of no group")

    def read_entries(self, store):
        kinds, memberships, sizes = store.octets(3), store.numbers(4), store.numbers(5)
        folds, moved = store.octets(6), store.numbers(7)
        self.entries = []
        self.slot_sizes = []            # the largest of what counts
        self.slot_sections = []
        for section in self.sections:
            slot, counts = None, False
            for _ in range(section.entry_count):
                entry = Entry()
                byte = kinds.byte()
                entry.section, entry.kind = section, byte & 31
                require(byte < 128 and entry.kind <= GPL_EXPORTS, f"entry kind {byte:#x}")
                number = memberships.next()
                require(number < len(self.memberships), f"no membership {number}")
                entry.membership, entry.group = self.memberships[number], self.groups[number]
                entry.size = sizes.next()
                if entry.kind == FOLD:
                    entry.fold = folds.byte()
                    entry.size *= 4096
                require(entry.size < 1 << 31, f"an entry of {entry.size} bytes")
                self.check_entry(entry)
                entry.slot = None
                if section.flags & SLOTS:
                    require(byte & 96 != 96, "an entry that is a version and moved")
                    if byte & 64:
                        slot, counts = moved.next(), False
                    elif not byte & 32:
                        slot, counts = len(self.slot_sizes), True
                        self.slot_sizes.append(0)
                        self.slot_sections.append(section)
                    require(slot is not None, "a version of no slot")
                    entry.slot = slot
                    if counts:
                        self.slot_sizes[slot] = max(self.slot_sizes[slot], entry.size)
                else:
                    require(not byte & 96, "a version or moved entry without slots")
                self.entries.append(entry)
        for stream in kinds, memberships, sizes, folds, moved:
            stream.end()
        require(all(e.slot is None or e.slot < len(self.slot_sizes) for e in self.entries),
                "an entry moved to no slot")

    @staticmethod
    def check_entry(entry):
        part, flags, kind = entry.section.part, entry.section.flags, entry.kind
        if kind in (BODY, PATCH, CODE):
            require(part != NO_BYTES, "a body in a section without bytes")
            require(entry.size <= 65536, f"a body of {entry.size} bytes")
            require(kind != CODE or flags & IS_CODE, "code in parts in a section of no code")
            require(kind != PATCH or not flags & RECORDS, "a patch in a record section")
        elif kind == SPACE:
            require(part == NO_BYTES, "addresses without bytes in a part with bytes")
        else:
            require(part == PAYLOAD, "a fold, strings or derived entry that is not in the payload")

    def place_pool(self, store):
        at = store.pool_mark << 24
        self.pool = []
        for size in self.slot_sizes:
            self.pool.append(at)
            at += (size + 15 & ~15) + 16
        self.pool_start, self.pool_end = store.pool_mark << 24, at
        require(at < 1 << 32, "the pool reaches over 2^32")
        self.marks = 1
        while at - self.pool_start > self.marks << 24:
            self.marks *= 2
        require(self.marks <= 128 and store.pool_mark % self.marks == 0,
                f"pool_mark {store.pool_mark:#x} of a pool of {self.marks}")
        last = max(at - 1, self.pool_start) >> 24
        self.pool_bytes = re.compile(b"[\\x%02x-\\x%02x]" % (store.pool_mark, last), re.S)


# --- Sections 4.3 to 4.5, 4.8, 4.11: what entries hold ------------------------------------------
FIELD_SIZES = {0: 4, 1: 4, 2: 4, 3: 4, 4: 4, 5: 8, 6: 4, 7: 8, 8: 8, 9: 4, 10: 4}
NO_FIELD = 0xff


class Contents:
    """What the entries of some groups hold: bytes, exceptions or fields, unwind records, each by
    the entry's number."""

    def __init__(self, store, groups):
        master = store.master
        self.bodies, self.listed, self.unwind = {}, {}, {}
        self.palette = store.raw(8)
        require(len(self.palette) % 6 == 0, "orc palette: not 6 bytes each")
        readers = {g: Group(store, g, len(self.palette) // 6) for g in groups}
        base, section = None, None
        for number, entry in enumerate(master.entries):
            if entry.section is not section:
                section, base = entry.section, None
                for reader in readers.values():
                    reader.last_targets = [master.pool_start] * section.columns
            kind = entry.kind
            if kind in (BODY, CODE):
                base = number if entry.group in readers else None
            elif kind != PATCH:
                base = None
            if entry.group not in readers or kind not in (BODY, CODE, PATCH):
                continue
            reader = readers[entry.group]
            if section.flags & SLOTS:
                self.listed[number] = reader.listed(entry, master)
            if kind == PATCH:
                require(base is not None, "a patch without base")
                body, records = reader.patch(entry, self.bodies[base], self.unwind.get(base, ()))
            elif kind == BODY:
                stream = reader.streams[9 + section.body]
                stream.entry()
                body = stream.take(entry.size)
                records = reader.records() if section.flags & IS_CODE else ()
            else:
                body, turns = reader.code(entry.size, store.pool_mark, master.marks)
                records = reader.records_at_turns(turns)
            self.bodies[number] = body
            if records:
                self.unwind[number] = records
        for reader in readers.values():
            for stream in reader.streams:
                stream.end()


class Group:
    """The streams of one group."""

    def __init__(self, store, group, palette_count):
        first = COMMON_STREAMS + GROUP_STREAMS * group
        self.streams = [store.octets(first + i) if i in (2, 8) else
                        store.chunked(first + i) if i >= 9 else
                        store.numbers(first + i) for i in range(GROUP_STREAMS)]
        (self.field_counts, self.field_gaps, self.field_types, self.field_targets, self.orc_counts,
         self.orc_gaps, self.orc_indexes, self.patch_ops, self.patch_bytes) = self.streams[:9]
        self.palette_count = palette_count
        self.last_targets = None

    def listed(self, entry, master):
        """A record section's fields, as (offset, type, target); else exceptions, as (offset,
        type)."""
        fields, at, column = [], 0, 0
        is_record = entry.section.flags & RECORDS
        for _ in range(self.field_counts.next()):
            at += self.field_gaps.next()
            kind = self.field_types.byte()
            if not is_record and kind == NO_FIELD:
                require(at < entry.size, "an exception behind its entry")
                fields.append((at, kind))
                continue
            require(kind & 15 in FIELD_SIZES and kind < 32, f"field type {kind:#x}")
            require(at + FIELD_SIZES[kind & 15] <= entry.size, "a field behind its entry")
            if not is_record:
                fields.append((at, kind))
                continue
            target = None
            if kind & 15 < 8:
                target = self.last_targets[column] + self.field_targets.signed()
                require(master.pool_start <= target < master.pool_end, "a target of no slot")
                self.last_targets[column] = target
                column = (column + 1) % entry.section.columns
            fields.append((at, kind, target))
            at += FIELD_SIZES[kind & 15]
        return fields

    def index(self):
        index = self.orc_indexes.next()
        require(index < self.palette_count, f"orc index {index}")
        return index

    def records(self):
        """Unwind records as (offset, index)."""
        records, at = [], 0
        for _ in range(self.orc_counts.next()):
            at += self.orc_gaps.next()
            records.append((at, self.index()))
        return records

    def records_at_turns(self, turns):
        records, at, turn = [], 0, 0
        for i in range(self.orc_counts.next()):
            gap = self.orc_gaps.next()
            if gap & 1:
                at += gap >> 1
            else:
                if i:
                    turn = bisect.bisect_right(turns, at)
                turn += gap >> 1
                require(turn < len(turns), "an unwind record at no turn")
                at = turns[turn]
            records.append((at, self.index()))
        return records

    def patch(self, entry, base, base_records):
        body, records, passed = bytearray(), [], 0
        while len(body) < entry.size:
            take = self.patch_ops.next()
            require(take <= len(base) - passed and take <= entry.size - len(body),
                    f"a patch takes {take} bytes")
            for at, index in base_records:
                if passed <= at < passed + take:
                    records.append((at - passed + len(body), index))
            body += base[passed:passed + take]
            passed += take
            if len(body) == entry.size:
                require(take, "an op without bytes")
                break
            number = self.patch_ops.next()
            insert = number >> 1
            require(insert <= entry.size - len(body), f"a patch inserts {insert} bytes")
            if number & 1:
                require(entry.section.flags & IS_CODE, "unwind records in a patch of no code")
                records += [(at + len(body), index) for at, index in self.records()]
            body += self.patch_bytes.take(insert)
            skip = self.patch_ops.signed() + insert
            require(0 <= skip <= len(base) - passed, f"a patch passes over {skip} bytes")
            passed += skip
            require(take or insert or skip, "an op without bytes")
        return bytes(body), records

    def code(self, size, pool_mark, marks):
        """A body of code in parts, and its turns."""
        parts = [self.streams[9]] + self.streams[14:]
        for part in parts:
            part.entry()
        (heads, near_displacements, displacements, short_immediates, immediates, short_distances,
         distances, lowest_bytes, calls, addresses) = (part.data for part in parts)
        (h, near_d, d, short_i, i, short_j, j, low, call, address) = (part.at for part in parts)
        mask = ~(marks - 1)
        out, turns = bytearray(), [0]
        while len(out) < size:
            left = size - len(out)
            # The head.
            k, looked, z, last_prefix = h, 1, 4, 0
            opcode = heads[k]
            k += 1
            while looked < 8 and FORMS[opcode][0] == "Pr":
                if opcode == 0x66:
                    z = 2
                last_prefix = opcode
                opcode = heads[k]
                k += 1
                looked += 1
            if opcode == 0x0f:
                second = heads[k]
                k += 2 if second in (0x38, 0x3a) else 1
                form, has_modrm, immediate = FORMS_0F[second]
            else:
                form, has_modrm, immediate = FORMS[opcode]
            displacement = modrm = 0
            if has_modrm:
                modrm = heads[k]
                k += 1
                displacement, has_sib = MODRM[modrm]
                if has_sib:
                    if modrm < 0x40 and heads[k] & 7 == 5:
                        displacement = 4
                    k += 1
            if immediate > 8:
                immediate = z if immediate == SIZE_Z or not 0x48 <= last_prefix <= 0x4f else 8
            if form in ("Tb", "Tz") and modrm & 0x30:
                immediate = 0
            length = k - h + displacement + immediate
            if length > left:
                out += heads[h:h + left]
                h += left
                break
            is_last = length == left
            out += heads[h:k]
            h = k
            # The displacement.
            if displacement == 1:
                out.append(near_displacements[near_d])
                near_d += 1
            elif displacement:
                if not is_last and heads[h] & mask == pool_mark:
                    out += addresses[address:address + 3][::-1]
                    out.append(heads[h])
                    address += 3
                    h += 1
                else:
                    if not is_last and immediate == 4:
                        h += 1
                    out += displacements[d:d + 4]
                    d += 4
            # The immediate.
            if immediate == 4 and not is_last and heads[h] & mask == pool_mark:
                if opcode in (0xe8, 0xe9):
                    out += calls[call:call + 3][::-1]
                    call += 3
                else:
                    out += addresses[address:address + 3][::-1]
                    address += 3
                out.append(heads[h])
                h += 1
            elif not immediate:
                pass
            elif form[0] != "J":
                if immediate == 1:
                    out.append(short_immediates[short_i])
                    short_i += 1
                else:
                    out += immediates[i:i + immediate]
                    i += immediate
            elif immediate == 1:
                out.append(short_distances[short_j])
                short_j += 1
            elif is_last or immediate != 4:
                out += distances[j:j + immediate]
                j += immediate
            else:
                high = shift = 0
                while True:
                    byte = distances[j]
                    j += 1
                    high |= (byte & 127) << shift
                    shift += 7
                    if not byte & 128:
                        break
                    require(shift <= 28, "a distance is too long")
                number = high << 8 | lowest_bytes[low]
                low += 1
                require(number >> 32 == 0, "a distance has more than 32 bits")
                out += (signed(number) & 0xffffffff).to_bytes(4, "little")
            if not is_last and is_turn(form, modrm):
                turns.append(len(out))
            # Before an end is read over by more than the decoder may look at.
            if h > parts[0].size or d > parts[2].size or j > parts[6].size:
                break
        for part, at in zip(parts, (h, near_d, d, short_i, i, short_j, j, low, call, address)):
            part.moved_to(at)
        return bytes(out), turns


def is_turn(form, modrm):
    return form in ("Tu", "Tm", "Jt", "Js") or form in ("Sb", "Sz") and modrm & 0xd7 == 0xc4 or \
        form == "Tj" and modrm & 0x38 == 0x20


# The tables of section 4.11: a row each, "*" for 16 times.
OPCODES = """
Mo Mo Mo Mo Ib Iz - - Mo Mo Mo Mo Ib Iz - -
Mo Mo Mo Mo Ib Iz - - Mo Mo Mo Mo Ib Iz - -
Mo Mo Mo Mo Ib Iz Pr - Mo Mo Mo Mo Ib Iz Pr -
Mo Mo Mo Mo Ib Iz Pr - Mo Mo Mo Mo Ib Iz Pr -
Pr*
Tu*
- - - Mo Pr Pr Pr Pr Iz Mz Ib Mb - - - -
Jb*
Mb Sz Mb Sb Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo
Tu - - - - - - - - - - - - - - -
- - - - - - - - Ib Iz - - - - - -
Ib Ib Ib Ib Ib Ib Ib Ib Iv Iv Iv Iv Iv Iv Iv Iv
Mb Mb Iw Tu - - Mb Mz Wb Tu Iw Tu Tu Ib - Tu
Mo Mo Mo Mo Ib Ib - - Mo Mo Mo Mo Mo Mo Mo Mo
Jb Jb Jb Jb Ib Ib Ib Ib Jz Jt - Js - - - -
Pr - Pr Pr - - Tb Tz - - - - - - Mo Tj
"""
OPCODES_0F = """
Mo Mo Mo Mo Mo - - - - - Mo Tu Mo Mo - Mo
Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Tm
Mo*
- - - - - - - - Mo Mo Mb Mo Mo Mo Mo Mo
Mo*
Mo*
Mo*
Mb Mb Mb Mb Mo Mo Mo - Mo Mo Mo Mo Mo Mo Mo Mo
Jz*
Mo*
- - - Mo Mb Mo Mo Mo - - - Mo Mb Mo Mo Mo
Mo Mo Mo Mo Mo Mo Mo Mo Mo Mo Mb Mo Mo Mo Mo Mo
Mo Mo Mb Mo Mb Mb Mb Mo - - - - - - - -
Mo*
Mo*
Mo*
"""
SIZE_Z, SIZE_V = 16, 17
SIZES = {"b": 1, "s": 1, "w": 2, "z": SIZE_Z, "t": SIZE_Z, "v": SIZE_V}


def forms(table):
    """(form, whether a ModRM byte follows, size of the immediate) of each opcode."""
    rows = [row[:-1].split() * 16 if row.endswith("*") else row.split()
            for row in table.strip().splitlines()]
    return [(form, form[0] in "MS" or form in ("Tb", "Tz", "Tm", "Tj"),
             3 if form == "Wb" else SIZES.get(form[1:], 0)) for row in rows for form in row]


FORMS, FORMS_0F = forms(OPCODES), forms(OPCODES_0F)
# By ModRM: (size of the displacement, whether a SIB byte follows).
MODRM = [(1 if m >> 6 == 1 else 4 if m >> 6 == 2 or m >> 6 == 0 and m & 7 == 5 else 0,
          m >> 6 != 3 and m & 7 == 4) for m in range(256)]


def code_field_type(body, a, in_32_bits):
    """The type of a guess in a section of code, or none."""
    b1, b2, b3, b4, b5, b6, b7 = (body[a - 7:a] if a >= 7 else bytes(7 - a) + body[:a])[::-1]
    if b1 in (0xe8, 0xe9) or b2 == 0x0f and 0x80 <= b1 <= 0x8f:
        return 0
    if in_32_bits:
        return 6
    if b1 & 7 == 5 and b2 & 0xc7 == 4:
        return 6
    if b1 & 0xc7 == 5:
        if 0x40 <= b2 <= 0x4f:
            return 6
        if b3 == 0x0f:
            return 1 if b2 in (0xa4, 0xac, 0xba) else 0
        if b2 in (0xf6, 0xf7):
            if b1 != 5:
                return 0
            b2 = 0x80 if b2 == 0xf6 else 0x81
        if b2 in (0x6b, 0x80, 0x83, 0xc0, 0xc1, 0xc6):
            return 1
        if b2 in (0x69, 0x81, 0xc7):
            return 2 if b3 == 0x66 else 3
        return 0
    if b2 in (0x81, 0xc7) or b3 == 0xc7 and b2 & 0xc0 == 0x40 or \
            b4 == 0xc7 and b2 == 0x24 and b3 & 0xc0 == 0x40 or \
            b6 == 0xc7 and b5 & 0xc0 == 0x80 or b7 == 0xc7 and b6 & 0xc7 == 0x84 or b1 == 0x68:
        return 6
    return None


def fields_of(body, exceptions, section, master):
    """The fields of a body outside record sections, as (offset, type, target)."""
    fields, size, x, end_of_4 = [], len(body), 0, -1
    exceptions = iter(exceptions + [(size, None)])
    e, exception = next(exceptions)
    candidates = (m.start() - 3 for m in master.pool_bytes.finditer(body, 3))
    guess = guess_type = -1
    while True:
        while guess is not None and (guess < x or guess_type is None):
            guess = next(candidates, None)
            if guess is None:
                break
            guess_type = None
            if guess < x or not master.pool_start <= le32(body, guess) < master.pool_end:
                continue
            if section.flags & IS_CODE:
                guess_type = code_field_type(body, guess, section.flags & BITS_32)
            elif guess % 4 == 0:
                guess_type = 6 if section.flags & BITS_32 else \
                    4 if guess + 8 > size or body[guess + 4:guess + 8] != bytes(4) else 7
        if exception is not None and (guess is None or e <= guess):
            require(e >= x, "an exception in a field")
            at, kind = e, exception
            e, exception = next(exceptions)
            if kind == NO_FIELD:
                x = at + 1
                continue
        elif guess is None:
            return fields
        else:
            at, kind = guess, guess_type
            if kind == 7 and at == end_of_4:
                kind = 5
        target = None
        if kind & 15 < 8:
            target = le32(body, at)
            require(master.pool_start <= target < master.pool_end, "a field's target is no slot")
        fields.append((at, kind, target))
        x = at + FIELD_SIZES[kind & 15]
        end_of_4 = x if kind == 4 else -1


# --- Section 4.6: kallsyms ----------------------------------------------------------------------
def read_symbols(store):
    """Symbols as (slot, offset, type and name, membership or none)."""
    names = strings("stream 12", store.raw(12))
    memberships, slots, offsets = (store.numbers(i) for i in (9, 10, 11))
    symbols, slot, offset = [], 0, 0
    for name in names:
        require(2 <= len(name) <= 511, f"a symbol's name of {len(name)} bytes")
        step = slots.signed()
        slot += step
        offset = offsets.next() + (0 if step else offset)
        require(0 <= slot < len(store.master.pool), f"a symbol of slot {slot}")
        number = memberships.next()
        require(number <= len(store.master.memberships), f"no membership {number - 1}")
        symbols.append((slot, offset, name,
                        store.master.memberships[number - 1] if number else None))
    for stream in memberships, slots, offsets:
        stream.end()
    return symbols


def read_tokens(store):
    stream = store.octets(13)
    tokens = []
    for _ in range(store.variant_count):
        count = stream.varint()
        require(count <= 255, f"{count} tokens")
        tokens.append([stream.take(3) for _ in range(count)])
    stream.end()
    return tokens


def in_tokens(names, triples):
    """All names at once; what stands between them is no byte."""
    text = "\u0100".join(name.decode("latin-1") for name in names)
    for code, left, right in triples:
        text = text.replace(chr(left) + chr(right), chr(code))
    return [name.encode("latin-1") for name in text.split("\u0100")] if names else []


# --- Section 4.9: sites -------------------------------------------------------------------------
def read_sites(store):
    """For each variant and table: none, or (lowest, addresses, sites, runs)."""
    stream = store.numbers(18)
    tables = []
    for _ in range(2 * store.variant_count):
        count = stream.next()
        tables.append(None)
        if count:
            head = stream.next(), stream.next(), stream.next()
            tables[-1] = *head, [(stream.signed(), stream.next()) for _ in range(count)]
    stream.end()
    return tables


# --- Section 4.12: strings that name symbols, exported symbols ----------------------------------
class Strings:
    """Entries of kind 15, by number: their bytes, and what is told of their strings."""

    def __init__(self, store):
        self.text, self.symbols = store.octets(14), store.numbers(15)
        self.told, self.places = store.octets(16), store.numbers(17)
        self.store, self.symbol = store, 0
        self.slot, self.space = 0, (0, 0)
        self.bodies, self.exports = {}, {}
        for number, entry in enumerate(store.master.entries):
            if entry.kind == STRINGS:
                self.read(number, entry.size)
        for stream in self.text, self.symbols, self.told, self.places:
            stream.end()

    def read(self, number, size):
        body = self.bodies[number] = bytearray()
        exports = self.exports[number] = []
        start, place = 0, None
        while len(body) < size:
            byte = self.text.byte()
            if byte == 1:
                self.symbol += self.symbols.signed()
                require(0 <= self.symbol < len(self.store.symbols),
                        f"a string of symbol {self.symbol}")
                slot, offset, name, _ = self.store.symbols[self.symbol]
                place = (slot, offset) if len(body) == start else None
                body += name[1:] + b"\0"
                self.symbol += 1
            else:
                place = None
                body.append(byte)
            if not body[-1]:
                if self.told.size:
                    exports += self.exported(start, len(body) - start, place)
                start = len(body)
        require(len(body) == size, f"{len(body)} bytes of strings instead of {size}")

    def place(self):
        self.slot += self.places.signed()
        return self.slot, self.places.next()

    def exported(self, start, size, place):
        """(where the name starts in the entry, table, members, value, namespace) of each."""
        exports = []
        while True:
            byte = self.told.byte()
            require(byte < 128 and byte & 3 < 3 and (byte & 3 or not byte), f"told {byte:#x}")
            if not byte:
                return exports
            tail = self.places.next() if byte & 32 else 0
            require(tail < size, f"a name {tail} bytes into a string of {size}")
            members = self.places.next() if byte & 16 else -1
            require(byte & 4 or place, "an exported symbol without place")
            value = self.place() if byte & 4 else place
            if byte & 8:
                self.space = self.place()
            exports.append((start + tail, (byte & 3) - 1, members, value, self.space))
            if not byte & 64:
                return exports


# --- Section 4.10: BTF --------------------------------------------------------------------------
# By kind: word 2, the words behind it, and those of a member.
TYPE_WORDS = {1: ("number", ["number"], []),
              **dict.fromkeys((2, 8, 9, 10, 11, 12, 18), ("near", [], [])),
              3: ("number", ["near", "type", "number"], []),
              **dict.fromkeys((4, 5), ("number", [], ["name", "type", "number"])),
              6: ("number", [], ["name", "number"]),
              **dict.fromkeys((7, 16), ("number", [], [])),
              13: ("type", [], ["name", "type"]),
              **dict.fromkeys((14, 17), ("near", ["number"], [])),
              15: ("number", [], ["type", "number", "number"]),
              19: ("number", [], ["name", "number", "number"])}


class Types:
    """The records of .BTF that all variants share."""

    def __init__(self, store):
        self.read_strings(store)
        self.streams = {i: store.numbers(i) for i in range(20, 27)}
        self.records = []               # (type, words as (what they are, value))
        self.named = 0                  # the last string told as the next one
        self.type = 0
        kinds = store.octets(19)
        while kinds.at < kinds.size:
            self.records.append(self.record(kinds.byte()))
        for stream in self.streams.values():
            stream.end()
        self.read_orders(store)

    def read_strings(self, store):
        self.strings = strings("stream 27", store.raw(27))
        symbols = store.numbers(28)
        number = 0
        for i, string in enumerate(self.strings):
            if not string:
                number += symbols.signed()
                require(0 <= number < len(store.symbols), f"a string of symbol {number}")
                self.strings[i] = store.symbols[number][2][1:]
                number += 1
        symbols.end()

    def name(self, stream):
        number = self.streams[stream].next()
        if number == 0:
            return 0
        if number == 1:
            self.named += 1
            number = self.named + 1
        require(number - 1 <= len(self.strings), f"a name of string {number - 1}")
        return number - 1

    def value(self, what):
        if what == "name":
            return self.name(21)
        if what == "type":
            return self.streams[24].next()
        if what == "near":
            number = self.streams[23].next()
            return self.type - signed(number - 1) if number else 0
        return self.streams[25].next()

    def record(self, byte):
        kind = byte & 31
        require(kind in TYPE_WORDS and not byte & 64, f"a type of kind {byte:#x}")
        if not byte & 32:
            self.type += 1
        require(self.type, "a record of no type")
        second, behind, member = TYPE_WORDS[kind]
        vlen = self.streams[20].next() if member or kind == 12 else 0
        require(vlen <= 65535, f"vlen {vlen}")
        words = [("name", self.name(21)), ("number", vlen | kind << 24 | byte >> 7 << 31)]
        words += [(what, self.value(what)) for what in [second] + behind]
        last = [0] * len(member)
        for _ in range(vlen if member else 0):
            for i, what in enumerate(member):
                if what == "name":
                    words.append((what, self.name(22)))
                elif what == "type":
                    words.append((what, self.value(what)))
                else:
                    last[i] = last[i] + self.streams[26].signed() & 0xffffffff
                    words.append((what, last[i]))
        return self.type, words

    def read_orders(self, store):
        """For each variant: (numbers of records, early strings)."""
        stream = store.numbers(29)
        self.orders = []
        for _ in range(store.variant_count):
            numbers, at = [], 0
            for _ in range(stream.next()):
                at += stream.signed()
                end = at + stream.next()
                require(0 <= at <= end <= len(self.records), "a run of no records")
                numbers += range(at, end)
                at = end
            early = [(stream.next(), stream.next()) for _ in range(stream.next())]
            self.orders.append((numbers, early))
        stream.end()

    def made(self, index):
        """A variant's .BTF."""
        numbers, early = self.orders[index]
        require(numbers, "a .BTF without records")
        types = {}
        for number, record in enumerate(numbers, 1):
            require(self.records[record][0] not in types, "two records of one type")
            types[self.records[record][0]] = number

        offsets, text, since = {0: 0}, bytearray(1), 0
        early = iter(early + [(-1, 0)])
        gap, early_string = next(early)

        def add(string):
            offsets[string] = len(text)
            text.extend(self.strings[string - 1] + b"\0")

        def early_ones():
            nonlocal gap, early_string, since
            while gap == since:
                require(1 <= early_string <= len(self.strings) and early_string not in offsets,
                        f"an early string {early_string}")
                add(early_string)
                gap, early_string = next(early)
                since = 0

        def placed(string):
            nonlocal since
            early_ones()
            if string not in offsets:
                add(string)
                since += 1
            return offsets[string]

        words = []
        for record in numbers:
            _, told = self.records[record]
            for what, value in told:
                if what == "name":
                    value = placed(value)
                elif what != "number" and value:
                    require(value in types, f"type {value}, which the variant has not")
                    value = types[value]
                words.append(value)
        early_ones()
        require(gap == -1, "an early string behind the last")
        return struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, 4 * len(words), 4 * len(words),
                           len(text)) + struct.pack(f"<{len(words)}I", *words) + text


# --- A variant ----------------------------------------------------------------------------------
class Rebuilt:
    """A variant's prefix, payload and suffix."""

    def __init__(self, store, variant):
        self.store, self.variant, self.master = store, variant, store.master
        groups = frozenset(g for m, g in zip(self.master.memberships, self.master.groups)
                           if m & variant.bit)
        self.contents = store.contents(groups)
        self.lay_out()
        self.write_bodies()
        self.write_derived()

    def lay_out(self):
        """Addresses and places of entries, and the folds."""
        variant, master = self.variant, self.master
        self.parts = [bytearray(), bytearray(), bytearray()]
        self.held = []                  # (number, entry, address, place)
        self.slot_addresses = [None] * len(master.pool)
        self.derived = {}               # kind: (section, size, address, place)
        self.folds = []                 # [position, pages, value]
        places, section = [0, 0, 0, 0], None
        for number, entry in enumerate(master.entries):
            if entry.section is not section:
                section = entry.section
                address = section.addresses[variant.index] if section.addresses else 0
            if not entry.membership & variant.bit:
                continue
            require(address != ABSENT, f"{section.name} has entries, but no address")
            place = places[section.part]
            if entry.slot is not None:
                require(self.slot_addresses[entry.slot] is None, "two entries of one slot")
                self.slot_addresses[entry.slot] = address
            self.held.append((number, entry, address, place))
            address += entry.size
            if entry.kind == FOLD:
                self.add_fold(place, entry)
                continue
            places[section.part] += entry.size
            if entry.kind not in (BODY, PATCH, CODE, SPACE, STRINGS):
                table = entry.section.name, entry.size, self.held[-1][2], place
                if entry.kind in (EXPORTS, GPL_EXPORTS) and entry.kind in self.derived:
                    name, size, *at = self.derived[entry.kind]
                    require([at[0] + size, at[1] + size] == [*table[2:]],
                            "a table of exported symbols in pieces")
                    table = name, size + entry.size, *at
                else:
                    require(entry.kind not in self.derived, "two derived entries of one kind")
                self.derived[entry.kind] = table
        require(places[:3] == [variant.prefix_size, variant.compact_size, variant.suffix_size],
                f"parts of {places[:3]} bytes")
        self.parts = [bytearray(size) for size in places[:3]]

    def add_fold(self, place, entry):
        if self.folds and self.folds[-1][0] == place and self.folds[-1][2] == entry.fold:
            self.folds[-1][1] += entry.size // 4096
        else:
            self.folds.append([place, entry.size // 4096, entry.fold])

    def target_address(self, target):
        slot = bisect.bisect_right(self.master.pool, target) - 1
        address = self.slot_addresses[slot]
        require(address is not None, "a field's target is not held")
        return slot, sign_extended(address + target - self.master.pool[slot])

    def write_bodies(self):
        index, contents = self.variant.index, self.contents
        self.slides = [[], [], []]
        self.calls = []                 # (address, target) of fields of type 0
        self.unwind = []                # (address, index)
        require(self.store.symbols is not None, "no symbols")
        strings_told = self.store.strings
        self.export_slides = []
        self.exports = [[], []]         # (name, its address, value, namespace) by table
        for number, entry, address, place in self.held:
            if entry.kind == STRINGS:
                body = strings_told.bodies[number]
                self.parts[PAYLOAD][place:place + entry.size] = body
                for start, table, members, value, space in strings_told.exports[number]:
                    if members & self.variant.bit:
                        name = bytes(body[start:body.index(0, start)])
                        self.exports[table].append((name, address + start, value, space))
            if entry.kind not in (BODY, PATCH, CODE):
                continue
            section, body = entry.section, contents.bodies[number]
            part = self.parts[section.part]
            part[place:place + entry.size] = body
            for at, palette_index in contents.unwind.get(number, ()):
                self.unwind.append((address + at, palette_index))
            if not section.flags & SLOTS:
                continue
            fields = contents.listed[number]
            if not section.flags & RECORDS:
                fields = fields_of(body, fields, section, self.master)
            load = section.loads[index] - section.addresses[index] if section.loads else 0
            for at, kind, target in fields:
                in_table, kind = kind < 16, kind & 15
                p, per_cpu = address + at, False
                if target is not None:
                    slot, t = self.target_address(target)
                    per_cpu = self.master.slot_sections[slot].flags & PER_CPU
                    if kind == 0 and in_table:
                        self.calls.append((p, t))
                    value = t if kind in (6, 7) else t - p - (0 if kind > 3 else (4, 5, 6, 8)[kind])
                    size = FIELD_SIZES[kind]
                    part[place + at:place + at + size] = \
                        (value & (1 << 8 * size) - 1).to_bytes(size, "little")
                if not in_table:
                    continue
                if kind in (7, 8) and not per_cpu:
                    self.slides[0].append(p + load)
                elif kind in (6, 10) and not per_cpu:
                    self.slides[2].append(p + load)
                elif kind == 9 or kind <= 4 and per_cpu:
                    self.slides[1].append(p + load)

    def place_address(self, place):
        slot, offset = place
        require(0 <= slot < len(self.slot_addresses) and self.slot_addresses[slot] is not None,
                "an exported symbol in a slot that is not held")
        return slot, self.slot_addresses[slot] + offset

    def export_table(self, table, address):
        made = bytearray()
        for name, string, value, space in sorted(self.exports[table], key=lambda e: e[0]):
            at = address + len(made)
            slot, value = self.place_address(value)
            if self.master.slot_sections[slot].flags & PER_CPU and SLIDES in self.derived:
                self.export_slides.append(at)
            for i, target in enumerate((value, string, self.place_address(space)[1])):
                made += (target - at - 4 * i & 0xffffffff).to_bytes(4, "little")
        return made

    def write_derived(self):
        for table, kind in enumerate((EXPORTS, GPL_EXPORTS)):
            require(kind in self.derived or not self.exports[table], "exports without a table")
        for which, kind in enumerate((RETURNS, RETPOLINES)):
            require(kind in self.derived or not self.store.sites[2 * self.variant.index + which],
                    "runs of sites without a table")
        rules = {ORC_IP: self.orc_ip, ORC: self.orc, SLIDES: self.slide_table,
                 RETURNS: lambda address: self.site_table(0, address),
                 RETPOLINES: lambda address: self.site_table(1, address),
                 BTF: lambda address: self.store.btf.made(self.variant.index),
                 EXPORTS: lambda address: self.export_table(0, address),
                 GPL_EXPORTS: lambda address: self.export_table(1, address)}
        symbols = self.symbols() if self.derived.keys() & {OFFSETS, NAMES, MARKERS, SEQS} else {}
        # Exports add to the KASLR table.
        for kind, (section, size, address, place) in sorted(self.derived.items(), key=lambda d: d[0] == SLIDES):
            made = symbols[kind] if kind in symbols else rules[kind](address)
            require(len(made) <= size, f"{section}: a derived entry of "
                    f"{size} bytes instead of {len(made)}")
            if kind in (ORC_IP, ORC, RETURNS, RETPOLINES, BTF, EXPORTS, GPL_EXPORTS):
                require(len(made) == size, f"{section}: the table is not filled")
            self.parts[PAYLOAD][place:place + len(made)] = made

    def orc_ip(self, address):
        return b"".join((t - (address + 4 * i) & 0xffffffff).to_bytes(4, "little")
                        for i, (t, _) in enumerate(self.unwind))

    def orc(self, _address):
        palette = self.contents.palette
        return b"".join(palette[6 * index:6 * index + 6] for _, index in self.unwind)

    def slide_table(self, _address):
        fields, merged = self.slides[1], []
        for p in self.export_slides:
            while fields and fields[0] & 0xffffffff < p & 0xffffffff:
                merged.append(fields.pop(0))
            merged.append(p)
        self.slides[1] = merged + fields
        for slides, count in zip(self.slides, self.variant.slide_counts):
            require(len(slides) == count, f"{len(slides)} slides instead of {count}")
        return b"".join(b"\0\0\0\0" + b"".join((p & 0xffffffff).to_bytes(4, "little")
                                               for p in slides) for slides in self.slides)

    def site_table(self, which, address):
        table = self.store.sites[2 * self.variant.index + which]
        require(table, "a table of sites without runs")
        lowest, addresses, count, runs = table
        sites = [p for p, t in self.calls if (t - lowest) & 0xffffffff < addresses]
        require(len(sites) == count, f"{len(sites)} sites instead of {count}")
        made, at = bytearray(), 0
        for gap, number in runs:
            at += gap
            end = at + (number >> 2)
            require(0 <= at <= end <= len(sites), "a run of no sites")
            for p in sites[at:end]:
                made += (p - (number & 3) - (address + len(made)) & 0xffffffff).to_bytes(4, "little")
            at = end
        return made

    def symbols(self):
        triples = self.store.tokens[self.variant.index]
        require(triples, "kallsyms without tokens")
        symbols = []
        base = None
        for slot, offset, name, membership in self.store.symbols:
            held = self.slot_addresses[slot] is not None
            if not (held if membership is None else membership & self.variant.bit):
                continue
            require(held, "a symbol whose slot is not held")
            address = self.slot_addresses[slot] + offset
            per_cpu = self.master.slot_sections[slot].flags & PER_CPU
            if not per_cpu and base is None:
                base = address
            symbols.append((address if per_cpu else base - address - 1, name))
        names, markers = bytearray(), []
        for i, name in enumerate(in_tokens([name for _, name in symbols], triples)):
            if i % 256 == 0:
                markers.append(len(names))
            names += bytes([len(name)] if len(name) < 128 else
                           [len(name) & 127 | 128, len(name) >> 7]) + name
        order = sorted(range(len(symbols)), key=lambda i: symbols[i][1][1:])
        return {OFFSETS: b"".join((a & 0xffffffff).to_bytes(4, "little") for a, _ in symbols),
                NAMES: names,
                MARKERS: struct.pack(f"<{len(markers)}I", *markers),
                SEQS: b"".join(i.to_bytes(3, "big") for i in order)}

    # --- Sections 5 and 6 ---
    def image(self):
        """The image, with all digests checked."""
        variant = self.variant
        prefix, compact, suffix = self.parts
        require(len(self.folds) == variant.fold_count, f"{len(self.folds)} folds instead of "
                f"{variant.fold_count}")
        told = b"".join(struct.pack("<III", *fold) for fold in self.folds)
        require(sha256(compact, told) == variant.payload_digest, "payload_digest is wrong")
        payload, at = bytearray(), 0
        for position, pages, value in self.folds:
            payload += compact[at:position]
            require(len(payload) % 4096 == 0, "a fold that begins at no page")
            require(len(payload) + 4096 * pages <= variant.payload_size, "folds beyond the payload")
            payload += bytes([value]) * (4096 * pages)
            at = position
        payload += compact[at:]
        require(len(payload) == variant.payload_size, f"a payload of {len(payload)} bytes")
        require(zlib.crc32(payload) == variant.payload_crc, "payload_crc is wrong")
        if variant.kind == 1:
            image = prefix + self.frame(compact) + suffix
            digest = sha256(image)
        else:
            image, digest = payload, sha256(prefix, payload)
        require(len(image) == variant.image_size, f"an image of {len(image)} bytes")
        require(digest == variant.image_digest, "image_digest is wrong")
        return image

    def frame(self, compact):
        frame, at = bytearray.fromhex("1f8b08000000000000ff"), 0
        for position, pages, value in [*self.folds, (len(compact), 0, 0)]:
            for start in range(at, position, 65535):
                block = compact[start:min(start + 65535, position)]
                frame += struct.pack("<BHH", 0, len(block), len(block) ^ 0xffff) + block
            at = position
            if pages:
                frame += fold_block(4096 * pages, value)
        return frame + bytes.fromhex("010000ffff") + struct.pack(
            "<II", self.variant.payload_crc, self.variant.payload_size)


def fold_block(size, value):
    """A fold as a block with fixed Huffman codes (RFC 1951, 3.2.6)."""
    def literal(n):
        return format(0x30 + n, "08b") if n < 144 else format(0x190 + n - 144, "09b")

    def copy(n):
        code, extra_bits, first = next(c for c in reversed(LENGTHS) if n >= c[2])
        extra = format(n - first, f"0{extra_bits}b")[::-1] if extra_bits else ""
        return (format(code - 256, "07b") if code < 280 else format(0xc0 + code - 280, "08b")) \
            + extra + "00000"

    copies, rest = divmod(size - 1, 258)
    bits = "010" + literal(value) + copy(258) * copies + \
        (copy(rest) if rest >= 3 else literal(value) * rest) + "0000000" + "000"
    return b"".join(int(bits[i:i + 8][::-1], 2).to_bytes(1, "little")
                    for i in range(0, len(bits), 8)) + b"\0\0\xff\xff"


def lengths():
    """Of RFC 1951, 3.2.5: (code, extra bits, shortest length)."""
    first, rows = 3, []
    for code in range(257, 285):
        extra_bits = max(0, (code - 261) // 4)
        rows.append((code, extra_bits, first))
        first += 1 << extra_bits
    return rows + [(285, 0, 258)]


LENGTHS = lengths()


# --- Section 7: around the store ------------------------------------------------------------------
def elf_inside(data):
    """The ELF file inside a bzImage, and the bytes before its gzip stream."""
    require(len(data) > 0x250 and data[0x202:0x206] == b"HdrS", "not a multi-image")
    start = 512 * (1 + (data[0x1f1] or 4)) + le32(data, 0x248)
    decoder = zlib.decompressobj(31)
    try:
        elf = decoder.decompress(data[start:])
    except zlib.error as error:
        raise Broken(f"the gzip stream does not unpack: {error}") from None
    require(decoder.eof, "the gzip stream is cut off")
    return elf, data[:start]


def store_of(data):
    """The store in a file: a bzImage, an ELF file, or the store itself."""
    if data[:8] == MAGIC:
        return data
    elf, before = (data, None) if data[:4] == b"\x7fELF" else elf_inside(data)
    require(elf[0x180:0x188] == b"INGOTSTB", "not a multi-image")
    store_offset, store_size = le32(elf, 0x188), le64(elf, 0x190)
    require(store_offset >= 0x200 and store_offset + store_size == len(elf),
            f"a store of {store_size} bytes at {store_offset:#x}, in {len(elf)}")
    require(sha256(elf[:0x180 + 72], bytes(32), elf[0x180 + 104:store_offset])
            == elf[0x180 + 72:0x180 + 104], "the digest of what stands before the store is wrong")
    if before is not None:
        require(sha256(before)[:20] == elf[0x180 + 104:0x180 + 124],
                "the digest of set-up and head is wrong")
    return elf[store_offset:]


def main(path, folder, *names):
    with open(path, "rb") as file:
        store = Store(store_of(file.read()))
    unknown = set(names) - {variant.name for variant in store.variants}
    require(not unknown, f"no variant {', '.join(sorted(unknown))}")
    for variant in store.variants:
        if names and variant.name not in names:
            continue
        require("/" not in variant.name and variant.name not in (".", ".."),
                f"{variant.name} names no file")
        try:
            image = Rebuilt(store, variant).image()
        except Broken as error:
            raise Broken(f"{variant.name}: {error}") from None
        with open(os.path.join(folder, variant.name), "wb") as file:
            file.write(image)
        print(f"{variant.name}: {len(image)} bytes")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("Usage: second-reader.py FILE FOLDER [NAME]...")
    try:
        main(*sys.argv[1:])
    except Broken as error:
        print(f"second-reader: {sys.argv[1]}: {error}", file=sys.stderr)
        sys.exit(3)
