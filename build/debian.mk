# SPDX-License-Identifier: MIT
#
# Debian's own kernels, as shipped.
#
#   make debian [DEBIAN_SERIES=…] [DEBIAN_FLAVOURS=…]
#
# Every flavour gets out/debian/<flavour>/{vmlinuz,vmlinux,dummy.ko}: the shipped image, the linked kernel
# of its -dbg package, without debug information, and a module. All come from the newest build that apt knows.

DEBIAN_SERIES ?= 6.1.0
# The first is what multi-images are compared with, and their default.
DEBIAN_FLAVOURS ?= amd64 cloud-amd64 rt-amd64
DEBIAN_OUT := $(OUT)/debian
debian-images := $(DEBIAN_FLAVOURS:%=$(DEBIAN_OUT)/%/vmlinuz)

# Always asked; an image that is up to date is left alone.
$(DEBIAN_OUT)/build: FORCE | packages
	@mkdir -p $(@D)
	@build/debian-version $(DEBIAN_SERIES) $@ $(DEBIAN_FLAVOURS)

$(debian-images): $(DEBIAN_OUT)/%/vmlinuz: $(DEBIAN_OUT)/build FORCE
	@OUT='$(abspath $(DEBIAN_OUT))' BUILD=$< CACHE='$(INGOT_CACHE)' build/debian-kernel $*

# --- The multi-images -------------------------------------------------------------------------
# All flavours and the first two, as small as each codec makes them; all of them without their vmlinux.
debian-packed := $(addprefix $(DEBIAN_OUT)/,vmlinuz-ingot.deflate vmlinuz-ingot.xz two.deflate two.xz \
	no-symbols.xz)
$(debian-packed): debian-held := $(DEBIAN_FLAVOURS)
$(DEBIAN_OUT)/two.deflate $(DEBIAN_OUT)/two.xz: debian-held := $(wordlist 1,2,$(DEBIAN_FLAVOURS))
debian-linked = $(if $(findstring no-symbols,$@),,$(comma)vmlinux=$(DEBIAN_OUT)/$1/vmlinux)

.PHONY: debian debian-packed
debian-packed: $(debian-packed)
$(debian-packed): $(debian-images) $(OUT)/ingot
	@echo '  PACK    $@'
	$(Q)$(OUT)/ingot pack -q -o $@ --for size --codec $(subst .,,$(suffix $@)) \
		--default $(firstword $(DEBIAN_FLAVOURS)) $(foreach f,$(debian-held), \
		$f=$(DEBIAN_OUT)/$f/vmlinuz$(call debian-linked,$f))

# Payloads as a standard tool unpacks them, and the boots, are the test's.
debian: debian-packed boot-tools
	$(Q)$(RUN_TESTS) tests/boot/debian.test
	@echo
	$(Q)OUT='$(abspath $(OUT))' tests/bench/debian sizes
