#!/bin/bash
# SPDX-License-Identifier: MIT
# QEMU's -kernel: its option ROM loads the file as a boot sector loader of old
# would and enters the 16-bit set-up.  TCG is no platform that has a variant.
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-120}

run_qemu "$dir" "$seconds" -accel tcg -cpu qemu64 -m "${BOOT_MEMORY:-512}" \
        -kernel "$file" -initrd "${BOOT_INITRD:-$tools/initrd}" -append "$console_words $append"
