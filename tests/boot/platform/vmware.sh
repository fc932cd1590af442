#!/bin/bash
# SPDX-License-Identifier: MIT
# VMware as a guest of the years before CPUID leaves sees it: no hypervisor
# bit, the DMI serial number and the backdoor port.
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-120}

run_qemu "$dir" "$seconds" -accel tcg -cpu qemu64,-hypervisor \
        -machine pc,vmport=on -smbios 'type=1,manufacturer=VMware,, Inc.,product=VMware Virtual Platform,serial=VMware-56 4d' \
        -m "${BOOT_MEMORY:-512}" \
        -kernel "$file" -initrd "$tools/initrd" -append "$console_words $append"
