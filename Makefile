# SPDX-License-Identifier: MIT
#
# Ingot: one kernel file that holds one kernel per backend. `make help` lists the targets.
#
# Each part has its own fragment; they are read in the order in which data flows.

OUT := out
# V=1 shows commands.
Q := $(if $(filter 1,$(V)),,@)
# make's built-in cc is nobody's choice.
USER_CC := $(if $(filter default undefined,$(origin CC)),,$(CC))
ifeq ($(USER_CC),)
CC := gcc
endif

# The first target of the file is what plain `make` does.
.PHONY: all
all:

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: FORCE
FORCE:

# --- Packages -------------------------------------------------------------------------------
# A fresh system has nothing but make and git. make reads this empty file, so it sees to the
# rule for it before anything else; `help` and `clean` want no packages.
.PHONY: packages
packages: $(OUT)/packages.mk
$(OUT)/packages.mk: FORCE
	@mkdir -p $(@D)
	@build/packages build/packages.txt
	@[ -e $@ ] || : >$@
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),all)),)
-include $(OUT)/packages.mk
endif

include build/build.mk
-include stub/stub.mk
-include packer/packer.mk
-include tests/tests.mk

all: $(INGOT)

# --- The main job ---------------------------------------------------------------------------
.PHONY: demo demo-linux
# The small kernel, on every platform that can be reached.
demo: reference-packed boot-tools hosts
	$(Q)OUT='$(abspath $(OUT))' tests/boot/demo
	@echo
	$(Q)build/reference-sizes $(INGOT) $(REFERENCE_OUT)

# Linux, on the platforms that take seconds; `make check-all` boots the nested ones as well.
DEMO_PLATFORMS ?= qemu grub vmware pvh xen xen-pvh
demo-linux: linux linux-packed boot-tools
	$(Q)OUT='$(abspath $(OUT))' tests/boot/run $(DEMO_PLATFORMS)
	@echo
	$(Q)build/sizes $(OUT)/linux

.PHONY: clean help
clean:
	$(Q)rm -rf $(OUT)

help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

#: all (default)   out/ingot, the program that packs, and the stubs it carries
#: demo            compile the small reference kernel for every backend, pack, boot the one
#:                 file on every platform that can be reached, print what came of it
#: demo-linux      the same with Linux 6.1, a quarter of an hour a kernel to compile
#: linux           out/linux/<backend>/{vmlinuz,vmlinux,config,System.map} for every backend
#:                   LINUX=      source tree or tarball (Debian's linux-source-6.1)
#:                   BASE=       small, tiny, debian, or a file with a whole .config (small)
#:                   BACKENDS=   rows of configs/backends (all of them)
#:                   COMPRESSED= rows that get vmlinuz.gzip, .xz and .zstd as well: `make bench`
#:                               compares their boot code
#:                   CC=         "distcc gcc", "icecc gcc", … (ccache gcc)
#:                   INGOT_CACHE=  finished kernels, unpacked sources (~/.cache/ingot)
#: debian          out/debian/<flavour>/{vmlinuz,vmlinux}, Debian's own kernels, downloaded with
#:                 their -dbg packages (2 GB) and kept; packs, boots and measures them
#: reference       out/reference/<backend>-<bits>/{kernel,image}, the small kernel of
#:                 docs/reference-kernel.md; reference-packed: out/reference/multi-image
#: check           tests, within an hour
#: check-all       tests with every backend and the whole boot matrix
#: bench           the figures: sizes, ratios, instructions, memory
#: fuzz            fuzz targets, until interrupted
#: hosts           out/tests/hosts: VMI's option ROM and a host for lguest guests, to be
#:                 run by QEMU, and a guest for each
#: packages        install the Debian packages of build/packages.txt that are missing
#: clean           remove out/
#:
#: V=1 shows commands, SAN=1 builds sanitized, -jN uses N processors.
