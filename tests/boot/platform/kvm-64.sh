#!/bin/bash
# SPDX-License-Identifier: MIT
# Nested KVM, entered by the 64-bit boot protocol, as kexec and most virtual
# machine monitors do.
export vmm_entry=64
exec "$(dirname "$0")/kvm.sh" "$@"
