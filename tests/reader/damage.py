#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Damage behind the digests: the second reader and the program refuse the same, whatever it is.
#
#       tests/reader/damage.py INGOT STORE COUNT
#
# Every chunk of STORE is stored instead of compressed.  Then COUNT times a byte, from the first to
# the last at equal distances, is changed, all digests are made right again, and all variants are
# rebuilt: the reader must find a broken rule, or the images must be what they were (a byte for
# people, or of a rule); and `INGOT verify` must agree.  It prints how often which was so.
# Rules that such damage seldom meets are broken one by one: both must refuse each.
import importlib.util
import os
import struct
import subprocess
import sys
import tempfile

spec = importlib.util.spec_from_file_location(
    "second_reader", os.path.join(os.path.dirname(__file__), "second-reader.py"))
reader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reader)


def plain(store):
    """The store's bytes with packed chunks replaced by unpacked ones."""
    body = b"".join(store.raw(number) for number in range(store.stream_count))
    tables = bytearray(store.data[:store.tables_size])
    for at in range(store.tables_size - 8 * store.chunk_count, store.tables_size, 8):
        tables[at:at + 4] = tables[at + 4:at + 8]
    tables[16:24] = struct.pack("<Q", len(tables) + len(body))
    return tables + body


def sealed(data):
    """With the digests of a store that a byte of was changed."""
    data = bytearray(data)
    tables_size = reader.le32(data, 12)
    data[48:80] = reader.sha256(data[tables_size:])
    data[80:112] = reader.sha256(data[:80], bytes(32), data[112:tables_size])
    return bytes(data)


def images(data):
    store = reader.Store(data)
    return [reader.Rebuilt(store, variant).image() for variant in store.variants]


def is_refused(ingot, file, data):
    """By the program; a status that is neither of the two is a fault."""
    file.seek(0)
    file.truncate()
    file.write(data)
    file.flush()
    status = subprocess.run([ingot, "verify", file.name], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, check=False).returncode
    if status not in (0, 1, 3):
        sys.exit(f"{ingot}: exit status {status}")
    return status != 0


def broken_rules(data):
    """What breaks one rule each: its name, the store."""
    store = reader.Store(sealed(data))
    starts = [chunks[0][0] if chunks else None for chunks in store.streams]
    tables = store.tables_size - 8 * store.chunk_count
    stream_rows = tables - 16 * store.stream_count
    rules = stream_rows - 8 * store.rule_count
    for name, at, bits in (
            ("a flag of sections that is unknown", starts[0] + 4 + 33, 0x40),
            ("a membership of a variant that is not there", starts[1] + 3, 0x80),
            ("an entry of an unknown kind", starts[3], 0x12),
            ("an entry's bit 7", starts[3], 0x80),
            ("an entry that is a version and moved", starts[3] + 1, 0x60),
            ("a platform that is unknown", rules, 0x40),
            ("a level that is unknown", rules + 1, 0x40),
            ("max_chunk of no chunk", stream_rows + 4 + 2, 0x01),
            ("a payload's digest", rules - 1, 0x01)):
        damaged = data.copy()
        damaged[at] ^= bits
        yield name, sealed(damaged)


def main(ingot, path, count):
    with open(path, "rb") as file:
        data = plain(reader.Store(reader.store_of(file.read())))
    whole = images(sealed(data))
    refused = unchanged = at_odds = 0
    with tempfile.NamedTemporaryFile() as file:
        for name, damaged in broken_rules(data):
            try:
                images(damaged)
                sys.exit(f"{path}: {name}: the second reader takes it")
            except reader.Broken:
                pass
            if not is_refused(ingot, file, damaged):
                sys.exit(f"{path}: {name}: the program takes it")
        for i in range(count):
            at = i * (len(data) - 1) // (count - 1)
            damaged = data.copy()
            damaged[at] ^= 1 << i % 8
            damaged = sealed(damaged)
            broken = None
            try:
                if images(damaged) != whole:
                    sys.exit(f"{path}: byte {at:#x}: other images")
                unchanged += 1
            except reader.Broken as fault:
                broken = fault
                refused += 1
            if is_refused(ingot, file, damaged) != bool(broken):
                at_odds += 1
                print(f"byte {at:#x} of the plain store, bit {i % 8}: second reader: {broken or 'fine'};",
                      "ingot: fine" if broken else "ingot refuses it")
    print(f"{refused} refused, {unchanged} the same images; {at_odds} times the program disagrees")
    sys.exit(at_odds != 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
