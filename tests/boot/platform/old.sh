#!/bin/bash
# SPDX-License-Identifier: MIT
# A processor of the years before 64-bit mode.
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-120}

run_qemu "$dir" "$seconds" -accel tcg -cpu pentium3 -m "${BOOT_MEMORY:-512}" \
        -kernel "$file" -initrd "$tools/initrd" -append "$console_words $append"
