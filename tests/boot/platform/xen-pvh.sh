#!/bin/bash
# SPDX-License-Identifier: MIT
# Xen 4.17 with a PVH dom0: entered by the PVH note, CPUID shows Xen.
export xen_kind=pvh
exec "$(dirname "$0")/xen.sh" "$@"
