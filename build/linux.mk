# SPDX-License-Identifier: MIT
#
# Linux, compiled once per backend.
#
#   make linux [LINUX=…] [BASE=…] [BACKENDS=…] [COMPRESSED=…] [CC=…]
#
# Every backend of configs/backends gets out/linux/<backend>/{vmlinuz,vmlinux,config,System.map};
# a comparator, or one named in COMPRESSED, gets vmlinuz.gzip, .xz and .zstd besides. build/linux-kernel does the work and
# decides by a key over all inputs whether there is any.

# A source tree or a tarball of one.
LINUX ?= $(lastword $(sort $(wildcard /usr/src/linux-source-*.tar.xz)))
# small: configs/linux/base.config; tiny, tiny-unnamed: for tests; debian: Debian's own; or a file with
# a whole .config.
BASE ?= small
# Rows of configs/backends to build: all but flavours, which have to be named.
BACKENDS ?= $(shell awk '!/^\#/ && NF && $$5 != "flavour" { print $$1 }' configs/backends)
# Backends that are to be compared with themselves as a distribution would ship them.
COMPRESSED ?=
# What outlives this clone: unpacked sources and finished kernels. Empty: nothing does.
INGOT_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ingot
# The user's CC as it is; where there is none, gcc behind ccache.
LINUX_CC ?= $(or $(USER_CC),ccache gcc)

unknown-backends := $(filter-out $(shell awk '!/^\#/ { print $$1 }' configs/backends),$(BACKENDS))
ifneq ($(unknown-backends),)
$(error configs/backends has no row for: $(unknown-backends))
endif
linux-images := $(BACKENDS:%=$(OUT)/linux/%/vmlinuz)

comma := ,

.PHONY: linux linux-clean
linux: $(linux-images)

# Always asked, seldom busy: an image that is up to date is left alone, so nothing that is made
# from it is made again.
$(OUT)/linux/source.id: FORCE | packages
	@mkdir -p $(@D)/obj
	@build/linux-source '$(LINUX)' '$(or $(INGOT_CACHE),$(abspath $(OUT))/linux)' $@

$(linux-images): $(OUT)/linux/%/vmlinuz: $(OUT)/linux/source.id $(OUT)/gzip-store FORCE
	+@OUT='$(abspath $(OUT))/linux' SOURCE=$< TARBALL='$(LINUX)' BASE='$(BASE)' \
	CACHE='$(INGOT_CACHE)' CC='$(LINUX_CC)' GZIP_STORE='$(abspath $(OUT)/gzip-store)' \
	V='$(V)' build/linux-kernel $* $(shell awk '$$1 == "$*" { print $$2, $$3 }' configs/backends) \
	$(if $(filter $*,$(COMPRESSED)),comparator,$(shell awk '$$1 == "$*" { print $$5 }' configs/backends))

# Other outputs come with the image.
$(OUT)/linux/pvops/vmlinuz.gzip $(OUT)/linux/pvops/vmlinuz.xz $(OUT)/linux/pvops/vmlinuz.zstd: \
	$(OUT)/linux/pvops/vmlinuz ;

# --- The multi-images -------------------------------------------------------------------------
# One file of all variants with each codec, and with deflate the smallest.
linux-variants := $(filter-out $(shell awk '$$5 == "comparator" { print $$1 }' \
	configs/backends),$(BACKENDS))
linux-packed := $(addprefix $(OUT)/linux/vmlinuz-ingot.,deflate small xz zstd)

.PHONY: linux-packed
linux-packed: $(linux-packed)
$(linux-packed): $(OUT)/linux/vmlinuz-ingot.%: $(linux-variants:%=$(OUT)/linux/%/vmlinuz) \
		$(OUT)/linux/variants $(OUT)/ingot configs/backends
	@echo '  PACK    $@'
	$(Q)$(OUT)/ingot pack -o $@ --codec $(if $(filter small,$*),deflate --for size,$*) \
		$(foreach b,$(linux-variants),$b=$(OUT)/linux/$b/vmlinuz$(comma)vmlinux=$(OUT)/linux/$b/vmlinux)

# Another choice of backends is another file.
$(OUT)/linux/variants: FORCE
	@mkdir -p $(@D)
	@echo '$(linux-variants)' | cmp -s - $@ || echo '$(linux-variants)' >$@

linux-clean:
	$(Q)rm -rf $(OUT)/linux
