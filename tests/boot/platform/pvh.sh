#!/bin/bash
# SPDX-License-Identifier: MIT
# QEMU's -kernel with the ELF inside the file: entered by its PVH note, with
# CPUID as TCG shows it.
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-120}

payload_elf "$file" "$dir/elf" || skip "no ELF could be taken out of $file"
run_qemu "$dir" "$seconds" -accel tcg -cpu qemu64 -m "${BOOT_MEMORY:-512}" \
        -kernel "$dir/elf" -initrd "$tools/initrd" -append "$console_words $append"
status=$?
rm -f "$dir/elf"
exit $status
