#!/bin/bash
# SPDX-License-Identifier: MIT
# GRUB on BIOS by multiboot2.
export grub_command=multiboot2
exec "$(dirname "$0")/grub.sh" "$@"
