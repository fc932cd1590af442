#!/bin/bash
# SPDX-License-Identifier: MIT
# KVM's emulation of Hyper-V: the guest sees Hyper-V's leaves and no others.
export vmm_signature="Microsoft Hv"
exec "$(dirname "$0")/kvm.sh" "$@"
