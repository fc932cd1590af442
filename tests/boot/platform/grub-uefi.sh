#!/bin/bash
# SPDX-License-Identifier: MIT
# GRUB on UEFI by multiboot2: the kernel is entered in 32-bit mode all the same.
export grub_command=multiboot2 grub_firmware=uefi
exec "$(dirname "$0")/grub.sh" "$@"
