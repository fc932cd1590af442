# SPDX-License-Identifier: MIT
#
# The reference kernel, compiled once per backend and once as pv_ops.
#
#   make reference [REFERENCE="native-32 …"]
#
# Every backend gets out/reference/<backend>-<bits>/kernel, an ELF file linked with
# --emit-relocs, and image, the same without symbols and relocations: what a boot loader wants
# and a multi-image holds. pvops-<bits> holds all backends of its size, and its patch sites, as
# the table in it lists them, are compared with those that the relocations show.

REFERENCE ?= native-32 kvm-32 xen-32 vmi-32 lguest-32 pvops-32 native-64 kvm-64 xen-64 pvops-64
REFERENCE_OUT := $(OUT)/reference

# In the order in which a boot passes through them, the same for every backend.
reference-sources := head.S entry.S main.c boot.c memory.c interrupt.c thread.c process.c \
	user.S measure.c print.c
# What a backend has of its own, and of others: native code is most backends' base.
reference-own-native-32 := own.c tables-32.S enter-32.S native.c
reference-own-kvm-32 := $(reference-own-native-32) hypervisor.c kvm.c
reference-own-xen-32 := $(reference-own-native-32) hypervisor.c xen-pvh.c xen-common.c xen-common.S
reference-own-vmi-32 := own.c tables-32.S enter-32.S vmi.c native.c
reference-own-lguest-32 := own.c tables-32.S lguest.S lguest.c refuse.S
reference-own-pvops-32 := tables-32.S enter-32.S native.c native.S patch.c table.c \
	hypervisor.c kvm.c xen-pvh.c xen-common.c xen-common.S vmi.c lguest.S lguest.c
reference-own-native-64 := own.c enter-64.S native.c
reference-own-kvm-64 := $(reference-own-native-64) hypervisor.c kvm.c
reference-own-xen-64 := own.c xen.c xen.S xen-common.c xen-common.S refuse.S
reference-own-pvops-64 := enter-64.S native.c native.S patch.c table.c \
	hypervisor.c kvm.c xen.c xen.S xen-common.c xen-common.S
reference-header-xen-32 := xen-pvh.h

# Where the kernels are loaded, if not at layout.h's LOAD_ADDR.
REFERENCE_LAYOUT := $(REFERENCE_LOAD_ADDR:%=-DLOAD_ADDR=%)

# What differs in one place is not to change others: no string becomes the end of another one, and
# no filler within a function depends on what stands before it.
REFERENCE_ALIKE := -fno-merge-constants -falign-loops=1 -falign-jumps=1 -falign-labels=1

REFERENCE_FLAGS := -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -fbuiltin -fno-pic -fno-pie \
	-fno-stack-protector -fcf-protection=none -mgeneral-regs-only -fno-asynchronous-unwind-tables \
	-ffunction-sections -fdata-sections -fno-strict-aliasing -fno-tree-loop-distribute-patterns \
	-Wno-address-of-packed-member $(REFERENCE_ALIKE) -Ibuild/reference \
	-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ $(REFERENCE_LAYOUT)
REFERENCE_FLAGS_32 := -m32 -march=i686 -mregparm=3 -mpreferred-stack-boundary=2
REFERENCE_FLAGS_64 := -m64 -mno-red-zone -mcmodel=kernel
REFERENCE_LINK_32 := -m elf_i386
REFERENCE_LINK_64 := -m elf_x86_64 -z max-page-size=4096

.PHONY: reference
reference: $(REFERENCE:%=$(REFERENCE_OUT)/%/kernel) $(REFERENCE:%=$(REFERENCE_OUT)/%/image)

# $(1): backend, $(2): bits
define reference-kernel
$(REFERENCE_OUT)/$(1)-$(2)/%.c.o: build/reference/%.c build/reference.mk | packages
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(REFERENCE_FLAGS) $$(REFERENCE_FLAGS_$(2)) -DBACKEND=$(1) -DBACKEND_$(1) \
		-DBACKEND_HEADER='"$$(or $$(reference-header-$(1)-$(2)),$(1).h)"' -MMD -MP -c -o $$@ $$<

$(REFERENCE_OUT)/$(1)-$(2)/%.S.o: build/reference/%.S build/reference.mk | packages
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(REFERENCE_FLAGS) $$(REFERENCE_FLAGS_$(2)) -DBACKEND_$(1) -D__ASSEMBLY__ -MMD -MP -c -o $$@ $$<

$(REFERENCE_OUT)/$(1)-$(2)/kernel.lds: build/reference/kernel.lds build/reference/layout.h \
		build/reference/operations.h build/reference.mk
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) -E -P -x c -m$(2) -DBACKEND_$(1) $(REFERENCE_LAYOUT) -Ibuild/reference -o $$@ $$<

$(REFERENCE_OUT)/$(1)-$(2)/kernel: $$(patsubst %,$(REFERENCE_OUT)/$(1)-$(2)/%.o, \
		$$(reference-sources) $$(reference-own-$(1)-$(2))) $(REFERENCE_OUT)/$(1)-$(2)/kernel.lds
	@echo '  LINK    $$@'
	$$(Q)$$(LD) $$(REFERENCE_LINK_$(2)) --emit-relocs --no-warn-rwx-segments --build-id=none \
		-z noexecstack -T $$(filter %.lds,$$^) -o $$@.new $$(filter %.o,$$^)
	$$(if $$(filter %/sites,$$^),$$(Q)$(REFERENCE_OUT)/sites $$@.new)
	$$(Q)mv $$@.new $$@

$(REFERENCE_OUT)/$(1)-$(2)/image: $(REFERENCE_OUT)/$(1)-$(2)/kernel
	$$(Q)objcopy --strip-all $$< $$@.new
	$$(Q)mv $$@.new $$@
endef

# --- The multi-images -----------------------------------------------------------------------
# All variants of configs/reference in one file; and what the sizes are compared with: the five
# backends of 32 bits, and one of them alone.
reference-variants := $(shell awk '!/^\#/ && NF && $$5 != "comparator" { print $$1 }' configs/reference)
reference-packed := $(REFERENCE_OUT)/multi-image $(REFERENCE_OUT)/multi-image-32 $(REFERENCE_OUT)/one-32
$(REFERENCE_OUT)/multi-image: reference-held := $(reference-variants)
$(REFERENCE_OUT)/multi-image-32: reference-held := $(filter %-32,$(reference-variants))
$(REFERENCE_OUT)/one-32: reference-held := native-32

# The pv_ops kernels beside them are what they are compared with.
.PHONY: reference-packed
reference-packed: $(reference-packed) $(REFERENCE_OUT)/pvops-32/image $(REFERENCE_OUT)/pvops-64/image
$(reference-packed): $(reference-variants:%=$(REFERENCE_OUT)/%/kernel) \
		$(reference-variants:%=$(REFERENCE_OUT)/%/image) $(OUT)/ingot configs/reference
	@echo '  PACK    $@'
	$(Q)$(OUT)/ingot pack -q -o $@ --for size --table configs/reference --default native-32 $(foreach v,$(reference-held),\
		$v=$(REFERENCE_OUT)/$v/image,vmlinux=$(REFERENCE_OUT)/$v/kernel)

# The pv_ops kernels' patch sites are found twice.
$(REFERENCE_OUT)/sites: build/reference/sites.c build/reference/operations.h \
		build/reference/layout.h | packages
	@echo '  CC      $@'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -Ibuild/reference -o $@ $<

$(foreach kernel,$(REFERENCE),$(eval $(call reference-kernel,$(firstword \
	$(subst -, ,$(kernel))),$(lastword $(subst -, ,$(kernel))))))

$(filter $(REFERENCE_OUT)/pvops-%,$(REFERENCE:%=$(REFERENCE_OUT)/%/kernel)): $(REFERENCE_OUT)/sites

-include $(wildcard $(REFERENCE_OUT)/*/*.d)
