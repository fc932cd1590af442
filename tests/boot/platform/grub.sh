#!/bin/bash
# SPDX-License-Identifier: MIT
# GRUB from a CD image: "linux" loads the file into a buffer of
# init_size bytes and enters the protected-mode part at its 32-bit entry.
# grub_command: linux, multiboot or multiboot2; grub_firmware: bios or uefi (OVMF).
. "$(dirname "$0")/../lib.sh"
file=$1 dir=$2 append=${3:-} seconds=${4:-180}
: "${grub_command:=linux}" "${grub_firmware:=bios}"
need grub-mkrescue xorriso mformat
case $grub_command in
linux) grub_module=initrd ;;
multiboot) grub_module=module ;;
multiboot2) grub_module=module2 ;;
esac
case $grub_firmware in
bios)
        grub_modules=/usr/lib/grub/i386-pc firmware=()
        [ -d $grub_modules ] || skip "grub-pc-bin is not installed" ;;
uefi)
        grub_modules=/usr/lib/grub/x86_64-efi code=/usr/share/OVMF/OVMF_CODE_4M.fd
        [ -d $grub_modules ] || skip "grub-efi-amd64-bin is not installed"
        [ -f $code ] || skip "ovmf is not installed"
        firmware=(-drive "if=pflash,format=raw,readonly=on,file=$code") ;;
esac

rm -rf "$dir/cd" && mkdir -p "$dir/cd/boot/grub"
cp "$file" "$dir/cd/boot/vmlinuz"
cp "$tools/initrd" "$dir/cd/boot/initrd"
cat >"$dir/cd/boot/grub/grub.cfg" <<END
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
$grub_command /boot/vmlinuz $console_words $append
$grub_module /boot/initrd
boot
END
grub-mkrescue -d "$grub_modules" -o "$dir/cd.iso" "$dir/cd" \
        >"$dir/grub-mkrescue" 2>&1 || die "grub-mkrescue failed: $(tail -1 "$dir/grub-mkrescue")"
run_qemu "$dir" "$seconds" -accel tcg -cpu qemu64 -m "${BOOT_MEMORY:-512}" \
        "${firmware[@]}" -cdrom "$dir/cd.iso"
status=$?
rm -rf "$dir/cd" "$dir/cd.iso"
exit $status
