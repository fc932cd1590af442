# SPDX-License-Identifier: MIT
#
# shellcheck shell=bash
# What the figures share: limits, rows of tables, results that are kept.
# Sourced by bash.

. "$(dirname "${BASH_SOURCE[0]}")/../boot/lib.sh"
bench=$out/tests/bench
keep=$bench/kept
mkdir -p "$keep"
missed=0 # 1 once a limit was

size_of() { stat -c %s "$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }
# judge VALUE LIMIT: "ok", or "MISSED (limit LIMIT)"
judge() {
        if awk -v v="$1" -v l="$2" 'BEGIN { exit !(v <= l) }'; then
                verdict="ok (limit $2)"
        else
                verdict="MISSED (limit $2)" missed=1
        fi
}
headline() { printf '\n%s\n' "$*"; }
row() { printf '  %-34s %14s %14s %7s  %s\n' "$@"; }

# kept KEY COMMAND...: the size in bytes of what COMMAND writes to its standard
# output, remembered under KEY and the payloads' digest.
kept() {
        local key=$keep/$1-$digest
        shift
        [ -s "$key" ] || { "$@" | wc -c >"$key.new" && mv "$key.new" "$key"; }
        cat "$key"
}

# payloads FOLDER: the unpacked payloads of $variants, in the multi-image's order.
payloads() {
        local name
        for name in $variants; do
                [ "$bench/$name.payload" -nt "$1/$name/vmlinuz" ] ||
                        payload_elf "$1/$name/vmlinuz" "$bench/$name.payload" || return 1
        done
}

all_payloads() { for n in $variants; do cat "$bench/$n.payload"; done; }
solid_xz() { all_payloads | xz -T1 --format=xz --check=crc32 --x86 --lzma2=preset=9e,dict=256MiB -c; }
