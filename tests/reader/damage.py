#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Damage behind the digests: the second reader refuses it with a message, whatever it is.
#
#       tests/reader/damage.py STORE COUNT
#
# Every chunk of STORE is stored instead of compressed.  Then COUNT times a byte, from the first to
# the last at equal distances, is changed, all digests are made right again, and all variants are
# rebuilt: the reader must find a broken rule, or the images must be what they were (a byte for
# people, or of a rule).  It prints how often which was so.
import importlib.util
import os
import struct
import sys

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


def main(path, count):
    with open(path, "rb") as file:
        data = plain(reader.Store(reader.store_of(file.read())))
    whole = images(sealed(data))
    refused = unchanged = 0
    for i in range(count):
        at = i * (len(data) - 1) // (count - 1)
        damaged = data.copy()
        damaged[at] ^= 1 << i % 8
        try:
            if images(sealed(damaged)) != whole:
                sys.exit(f"{path}: byte {at:#x}: other images")
            unchanged += 1
        except reader.Broken:
            refused += 1
    print(f"{refused} refused, {unchanged} the same images")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
