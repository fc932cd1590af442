#!/bin/bash
# SPDX-License-Identifier: MIT
# Hyper-V's leaves in front of KVM's, as QEMU's hv_* flags arrange them: the
# leaves at 0x40000000 name Hyper-V, those at 0x40000100 KVM, which it is.
export vmm_signature="Microsoft Hv" vmm_keep=1
exec "$(dirname "$0")/kvm.sh" "$@"
