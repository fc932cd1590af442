#!/bin/bash
# SPDX-License-Identifier: MIT
# The lguest test host: it loads the file as lguest's launcher loads a bzImage, and enters it in
# ring 1. `strict`: it does nothing that only some of lguest's versions do. A comma would
# begin another module.
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-120}
need_hosts

cp "$file" "$dir/kernel"
cd "$dir" || die "$dir is gone"
run_qemu . "$seconds" -accel tcg -cpu qemu64 -m "${BOOT_MEMORY:-512}" -vga none \
        -device isa-debug-exit,iobase=0x501,iosize=2 -kernel "$hosts/lguest-host" \
        -append "strict ${lguest_words:-}" -initrd "kernel $append"
status=$?
rm -f kernel
# The host ends QEMU itself, with a status of its own.
exit $status
