#!/bin/bash
# SPDX-License-Identifier: MIT
# KVM's emulation of Hyper-V: its leaves stand at 0x40000000, KVM's own behind
# them at 0x40000100.
export vmm_signature="Microsoft Hv"
exec "$(dirname "$0")/kvm.sh" "$@"
