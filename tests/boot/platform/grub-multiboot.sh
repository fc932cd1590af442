#!/bin/bash
# SPDX-License-Identifier: MIT
# GRUB on BIOS by multiboot1.
export grub_command=multiboot
exec "$(dirname "$0")/grub.sh" "$@"
