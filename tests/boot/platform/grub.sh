#!/bin/bash
# SPDX-License-Identifier: MIT
# GRUB on BIOS, from a CD image: "linux" loads the file into a buffer of
# init_size bytes and enters the protected-mode part at its 32-bit entry.
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-180}
need grub-mkrescue xorriso mformat
[ -d /usr/lib/grub/i386-pc ] || skip "grub-pc-bin is not installed"

rm -rf "$dir/cd" && mkdir -p "$dir/cd/boot/grub"
cp "$file" "$dir/cd/boot/vmlinuz"
cp "$tools/initrd" "$dir/cd/boot/initrd"
cat >"$dir/cd/boot/grub/grub.cfg" <<END
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
linux /boot/vmlinuz $console_words $append
initrd /boot/initrd
boot
END
grub-mkrescue -d /usr/lib/grub/i386-pc -o "$dir/cd.iso" "$dir/cd" \
        >"$dir/grub-mkrescue" 2>&1 || die "grub-mkrescue failed: $(tail -1 "$dir/grub-mkrescue")"
run_qemu "$dir" "$seconds" -accel tcg -cpu qemu64 -m "${BOOT_MEMORY:-512}" \
        -cdrom "$dir/cd.iso"
status=$?
rm -rf "$dir/cd" "$dir/cd.iso"
exit $status
