# SPDX-License-Identifier: MIT
#
# The stub: set-up and head as flat files, and the stub program once per decoder; and for files
# with kernels that are no Linux set-up, head and program again, in 32 bits. `ingot` carries
# all eight (packer/stub-blobs.S).

# In the order in which a boot passes through them; setup.S and head.S come first.
STUB_SOURCES := \
	stub/entry.S stub/entry-pvh.S stub/entry-xen.S stub/main.c \
	stub/console.c stub/map.c stub/exception-entry.S stub/exception.c \
	stub/machine.c stub/platform.c stub/command-line.c \
	stub/rebuild.c stub/memory.c stub/libc.c \
	stub/boot-params.c stub/handoff-linux.c stub/handoff-real.c \
	stub/handoff-linux32.c stub/handoff-linux64.c stub/handoff-pvh.c \
	stub/handoff-xen.c stub/handoff-elf.c stub/trampoline-real.S \
	stub/elf-hook.S stub/handoff.S

# The program that runs in 32 bits, ring 1 or without 64-bit mode.
STUB_32_SOURCES := \
	stub/entry-32.S stub/main.c \
	stub/console.c stub/lguest.c stub/exception-entry.S stub/exception.c \
	stub/machine.c stub/platform.c stub/command-line.c \
	stub/rebuild.c stub/memory.c stub/libc.c \
	stub/boot-params.c stub/handoff-linux.c stub/handoff-real.c \
	stub/handoff-linux32.c stub/handoff-pvh.c stub/handoff-multiboot.c stub/handoff-bare.c \
	stub/handoff-elf.c stub/trampoline-real.S stub/elf-hook.S stub/handoff-32.S

# Everything that reads a multi-image; the decoders' glue is each stub's own.
READER_SOURCES := $(filter-out stub/multi-image/codec-%,$(sort $(wildcard stub/multi-image/*.c)))

STUB_CODECS := deflate xz zstd
STUB_LIBRARY_deflate := -ldeflate
STUB_LIBRARY_xz := -llzma
# Most bytes of set-up, head and stub program together.
STUB_LIMIT_deflate := 65536
STUB_LIMIT_xz := 81920
STUB_LIMIT_zstd := 81920

STUB_OUT := $(OUT)/stub
# No library of Debian's is small enough: stub/zstd.c.
STUB_DECODER_zstd := $(STUB_OUT)/obj/zstd.o
STUB_VERSION := $(shell git describe --tags --always 2>/dev/null || echo 0)
# Copies of unknown size are calls: libc.c moves words where gcc would move bytes.
STUB_FLAGS := -std=gnu11 -Oz -fno-tree-sink -fno-move-loop-invariants -fno-tree-slsr -fno-tree-dominator-opts -mmemcpy-strategy=libcall:-1:noalign -mmemset-strategy=libcall:-1:noalign \
	-g -Wall -Wextra -Werror -Istub -ffreestanding -fbuiltin -fpie \
	-fvisibility=hidden -fno-stack-protector -fcf-protection=none -mno-red-zone \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections
STUB_LINK := -static-pie -nostdlib -Wl,--no-dynamic-linker,--gc-sections,--sort-section=alignment,-z,norelro,-z,noexecstack,-z,pack-relative-relocs \
	-Wl,--hash-style=sysv,--build-id=none,--no-warn-rwx-segments,--no-undefined

stub-objects = $(patsubst %,$(STUB_OUT)/obj/%.o,$(basename $(notdir $(1))))
reader-objects := $(patsubst stub/multi-image/%.c,$(STUB_OUT)/obj/reader/%.o,$(READER_SOURCES))
stub-codec-objects = $(STUB_OUT)/obj/reader/codec-$(1).o $(STUB_OUT)/obj/codec-table-$(1).o $(STUB_DECODER_$(1))

stub-32-objects := $(patsubst %,$(STUB_OUT)/obj-32/%.o,$(basename $(notdir $(STUB_32_SOURCES)))) \
	$(patsubst stub/multi-image/%.c,$(STUB_OUT)/obj-32/reader/%.o,$(READER_SOURCES)) \
	$(STUB_OUT)/obj-32/codec-zlib.o $(STUB_OUT)/obj-32/codec-table-deflate.o

STUB_BLOBS := $(addprefix $(STUB_OUT)/,setup.bin head.bin $(STUB_CODECS:%=stub-%.bin) \
	setup-32.bin head-32.bin stub-32-deflate.bin)

.PHONY: stub stub-size
stub: $(STUB_BLOBS)

# --- Objects ----------------------------------------------------------------------------------
$(STUB_OUT)/obj/%.o: stub/%.c stub/stub.mk | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(STUB_FLAGS) $(STUB_FLAGS_$(*F)) -MMD -MP -c -o $@ $<

$(STUB_OUT)/obj/reader/%.o: stub/multi-image/%.c stub/stub.mk | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(STUB_FLAGS) $(STUB_FLAGS_$(*F)) -MMD -MP -c -o $@ $<

# A loop that copies must not become a call of the function that it is in.
STUB_FLAGS_libc := -fno-builtin -fno-tree-loop-distribute-patterns
# Where the time of a rebuild goes: speed is worth the bytes there, but for those of alignment.
stub-fast := -O2 -ftree-sink -fmove-loop-invariants -ftree-slsr -ftree-dominator-opts -fno-align-functions -fno-align-loops -fno-align-jumps \
	-fno-align-labels -fno-reorder-blocks -fno-reorder-blocks-and-partition
STUB_FLAGS_place := $(stub-fast)
STUB_FLAGS_gather := $(stub-fast)
STUB_FLAGS_place-marks := $(stub-fast)
STUB_FLAGS_sha256 := $(stub-fast)
STUB_FLAGS_symbol-names := $(stub-fast)

# The decoder in the kernel's source; of the headers that it wants, libc6-dev lacks two.
ZSTD_SOURCE := /usr/src/linux-source-6.1.tar.xz
ZSTD_FILES := lib/xxhash.c lib/zstd/common lib/zstd/decompress lib/zstd/decompress_sources.h \
	lib/zstd/zstd_decompress_module.c \
	$(addprefix include/linux/,xxhash.h zstd.h zstd_errors.h zstd_lib.h)
ZSTD_EMPTY := asm/unaligned.h linux/compiler.h
# Fast: 5.7 KB more than small, for an eighth less instructions.
STUB_FLAGS_zstd := -I$(STUB_OUT)/zstd/include -I$(STUB_OUT)/zstd/lib $(stub-fast)

$(STUB_OUT)/zstd/unpacked: $(ZSTD_SOURCE) stub/stub.mk | packages
	@echo '  UNPACK  zstd of $<'
	$(Q)rm -rf $(@D) && mkdir -p $(sort $(dir $(ZSTD_EMPTY:%=$(@D)/include/%)))
	$(Q)tar -xf $< -C $(@D) --strip-components=1 $(ZSTD_FILES:%=$(notdir $(<:.tar.xz=))/%)
	$(Q)touch $(ZSTD_EMPTY:%=$(@D)/include/%) $@
$(STUB_OUT)/obj/zstd.o: $(STUB_OUT)/zstd/unpacked

$(STUB_OUT)/obj/%.o: stub/%.S stub/stub.mk | packages
	@echo '  AS      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -Istub -MMD -MP -c -o $@ $<

$(STUB_OUT)/obj/setup.o: stub/setup.S stub/stub.mk | packages
	@echo '  AS      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -Istub -DINGOT_VERSION='"$(STUB_VERSION)"' -MMD -MP -c -o $@ $<

# In 32 bits. Ring 1 can't turn SSE on, and a processor may have none.
STUB_32_FLAGS := -m32 -march=i686 -mgeneral-regs-only
$(STUB_OUT)/obj-32/%.o: stub/%.c stub/stub.mk | packages
	@echo '  CC      $< (32 bits)'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -mno-red-zone,$(STUB_FLAGS)) $(STUB_FLAGS_$(*F)) $(STUB_32_FLAGS) -MMD -MP -c -o $@ $<

$(STUB_OUT)/obj-32/reader/%.o: stub/multi-image/%.c stub/stub.mk | packages
	@echo '  CC      $< (32 bits)'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -mno-red-zone,$(STUB_FLAGS)) $(STUB_FLAGS_$(*F)) $(STUB_32_FLAGS) -MMD -MP -c -o $@ $<

$(STUB_OUT)/obj-32/%.o: stub/%.S stub/stub.mk | packages
	@echo '  AS      $< (32 bits)'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -Istub -MMD -MP -c -o $@ $<

$(STUB_OUT)/obj-32/setup.o: stub/setup.S stub/stub.mk | packages
	@echo '  AS      $< (32 bits)'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -Istub -DPROGRAM_32 -DINGOT_VERSION='"$(STUB_VERSION)"' -MMD -MP -c -o $@ $<

# It has the 64-bit entry as well.
$(STUB_OUT)/obj-32/head.o: stub/head.S stub/stub.mk | packages
	@echo '  AS      $< (32 bits)'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -Istub -DPROGRAM_32 -MMD -MP -c -o $@ $<

# --- Flat files -------------------------------------------------------------------------------
$(STUB_OUT)/setup.elf: $(STUB_OUT)/obj/setup.o stub/setup.lds
	@echo '  LD      $@'
	$(Q)$(LD) -m elf_i386 -T stub/setup.lds -o $@ $<

$(STUB_OUT)/head.elf: $(STUB_OUT)/obj/head.o stub/head.lds
	@echo '  LD      $@'
	$(Q)$(LD) -T stub/head.lds -o $@ $<

$(STUB_OUT)/setup-32.elf: $(STUB_OUT)/obj-32/setup.o stub/setup.lds
	@echo '  LD      $@'
	$(Q)$(LD) -m elf_i386 -T stub/setup.lds -o $@ $<

$(STUB_OUT)/head-32.elf: $(STUB_OUT)/obj-32/head.o stub/head.lds
	@echo '  LD      $@'
	$(Q)$(LD) -T stub/head.lds -o $@ $<

$(STUB_OUT)/stub-32-deflate.elf: $(stub-32-objects) stub/stub-32.lds
	@echo '  LINK    $@'
	$(Q)$(CC) -m32 $(STUB_LINK) -Wl,-T,stub/stub-32.lds -o $@.new $(filter %.o,$^) -lz -lgcc
	$(Q)mv $@.new $@

$(STUB_OUT)/stub-32-deflate.bin: $(STUB_OUT)/stub-32-deflate.elf
	@echo '  OBJCOPY $@'
	$(Q)objcopy -O binary -R .dynamic -R .rest $< $@

define stub-program
$(STUB_OUT)/stub-$(1).elf: $(call stub-objects,$(STUB_SOURCES)) $(reader-objects) \
		$(call stub-codec-objects,$(1)) stub/stub.lds | $(STUB_OUT)/reader.checked
	@echo '  LINK    $$@'
	$$(Q)$$(CC) $(STUB_LINK) -Wl,-T,stub/stub.lds -o $$@.new $$(filter %.o,$$^) \
		$(STUB_LIBRARY_$(1)) -lnettle
	$$(Q)mv $$@.new $$@
endef
$(foreach codec,$(STUB_CODECS),$(eval $(call stub-program,$(codec))))

$(STUB_OUT)/%.bin: $(STUB_OUT)/%.elf
	@echo '  OBJCOPY $@'
	$(Q)objcopy -O binary $< $@

# --- Checks -----------------------------------------------------------------------------------
# The reader runs anywhere: it calls four functions of the C library, the codecs and one block of
# a hash, no more.
$(STUB_OUT)/reader.checked: $(reader-objects)
	@echo '  CHECK   what the reader calls'
	$(Q)$(LD) -r -o $@.o $^
	$(Q)! nm -u $@.o | grep -vE ' (memcpy|memmove|memset|memcmp|multi_image_codecs|_nettle_sha256_compress_sha_ni|_GLOBAL_OFFSET_TABLE_)$$'
	$(Q)touch $@

# A stub beyond its limit is not made.
define stub-limit
$(STUB_OUT)/stub-$(1).bin: $(STUB_OUT)/stub-$(1).elf $(STUB_OUT)/setup.bin $(STUB_OUT)/head.bin
	@echo '  OBJCOPY $$@'
	$$(Q)objcopy -O binary -R .dynamic -R .rest $$< $$@.new
	$$(Q)size=$$$$(cat $(STUB_OUT)/setup.bin $(STUB_OUT)/head.bin $$@.new | wc -c); \
	[ $$$$size -le $(STUB_LIMIT_$(1)) ] || { \
		echo "stub with $(1): $$$$size bytes, limit $(STUB_LIMIT_$(1))"; exit 1; }
	$$(Q)mv $$@.new $$@
endef
$(foreach codec,$(STUB_CODECS),$(eval $(call stub-limit,$(codec))))

stub-size: $(STUB_BLOBS)
	@cd $(STUB_OUT) && for codec in $(STUB_CODECS); do \
		echo "stub with $$codec: $$(cat setup.bin head.bin stub-$$codec.bin | wc -c) bytes"; \
	done; \
	echo "and for kernels that are no Linux: $$(cat setup-32.bin head-32.bin stub-deflate.bin stub-32-deflate.bin | wc -c) bytes"

-include $(wildcard $(addprefix $(STUB_OUT)/,obj/*.d obj/reader/*.d obj-32/*.d obj-32/reader/*.d))
