#!/bin/bash
# SPDX-License-Identifier: MIT
# Real KVM, nested: Debian's cloud kernel runs under emulation with AMD's
# virtualisation, and our small monitor boots the file on its /dev/kvm.  The
# host's own /dev/kvm is not used: where one opens, it may still boot nothing.
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-900}
: "${vmm_entry:=32}" "${vmm_signature:=KVMKVMKVM}" "${vmm_keep:=}"
need cpio

kernel=$(newest_kernel linux-image-cloud-amd64)
[ -n "$kernel" ] && cloud=$(package "$kernel") ||
        skip "linux-image-cloud-amd64 can't be downloaded"

# The outer machine's initramfs: its init, modules, monitor, and the file.  The
# inner kernel is told to be quiet: each character costs it an exit or two.
rm -rf "$dir/host" && mkdir -p "$dir/host/dev" || die "$dir can't be written"
cp "$tools/host" "$dir/host/init"
cp "$tools/vmm" "$dir/host/vmm"
cp "$tools/initrd" "$dir/host/initrd"
cp "$file" "$dir/host/kernel"
find "$cloud/lib/modules" \( -name irqbypass.ko -o -name kvm.ko -o -name kvm-amd.ko \) \
        -exec cp {} "$dir/host" \;
printf '%s\n' -e "$vmm_entry" -s "$vmm_signature" ${vmm_keep:+-k} -m "${BOOT_MEMORY:-256}" \
        /kernel /initrd "$console_words quiet $append" >"$dir/host/arguments"
(cd "$dir/host" && find . | cpio -o -H newc -R 0:0 --quiet) >"$dir/host.cpio"

stop_at="$end_lines|^host: ended"
run_qemu "$dir" "$seconds" -accel tcg -cpu qemu64,+svm,+npt -m 1024 \
        -kernel "$cloud"/boot/vmlinuz-* -initrd "$dir/host.cpio" \
        -append "console=ttyS0,115200 quiet panic=-1 no_timer_check"
status=$?
rm -rf "$dir/host" "$dir/host.cpio"
exit $status
