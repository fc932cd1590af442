#!/bin/bash
# SPDX-License-Identifier: MIT
# A PC with a VMI option ROM: ours, or one of those with a fault (vmi_rom=vmi-bad-…).
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-120}
need_hosts

run_qemu "$dir" "$seconds" -accel tcg -cpu qemu64 -m "${BOOT_MEMORY:-512}" \
        -option-rom "$hosts/${vmi_rom:-vmi}.rom" \
        -kernel "$file" -initrd "$tools/initrd" -append "$console_words $append"
