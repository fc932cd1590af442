#!/bin/bash
# SPDX-License-Identifier: MIT
# GRUB on UEFI by "linux": what has no PE header it enters at its 32-bit entry.
export grub_command=linux grub_firmware=uefi
exec "$(dirname "$0")/grub.sh" "$@"
