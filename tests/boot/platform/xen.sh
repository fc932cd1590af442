#!/bin/bash
# SPDX-License-Identifier: MIT
# Xen 4.17: the file is dom0's kernel.  Xen unpacks the payload, finds the ELF's
# notes and enters it as a PV guest (or, for xen-pvh, by its PVH entry).
# Module arguments must hold no comma: QEMU splits its -initrd at commas.
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-240}
: "${xen_kind:=pv}"

xen=$(package xen-hypervisor-4.17-amd64) || skip "xen-hypervisor-4.17-amd64 can't be downloaded"
gzip -dc "$xen"/boot/xen-4.17-amd64.gz >"$dir/xen" || die "no hypervisor in $xen"
cp "$file" "$dir/kernel" # a path without commas and blanks
cp "$tools/initrd" "$dir/initrd"

common=(-kernel xen -initrd "kernel console=hvc0 panic=-1 printk.devkmsg=on $append,initrd")
cd "$dir" || die "$dir is gone"
case $xen_kind in
pv)
        run_qemu . "$seconds" -accel tcg -cpu qemu64 -m 1024 "${common[@]}" \
                -append "com1=115200 console=com1 noreboot" ;;
pvh)
        run_qemu . "$seconds" -accel tcg -M q35 -cpu qemu64,+svm,+npt \
                -device amd-iommu -m 1024 "${common[@]}" \
                -append "com1=115200 console=com1 noreboot dom0=pvh dom0_mem=640M" ;;
esac
status=$?
rm -f xen kernel initrd
exit $status
