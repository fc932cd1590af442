# SPDX-License-Identifier: MIT
#
# The program ingot.  SAN=1 builds it with AddressSanitizer and
# UndefinedBehaviorSanitizer into out/san/.

# Sources, in the order in which data flows through them.
PACKER_SOURCES := \
	packer/main.c packer/options.c packer/message.c packer/progress.c packer/parallel.c \
	packer/cmd_pack.c packer/cmd_pack_inputs.c packer/inputs.c packer/table.c \
	packer/image.c packer/payload.c packer/kernel-elf.c packer/linked.c packer/linked-relocations.c packer/linked-payload.c \
	packer/vector.c packer/variant.c packer/regions.c packer/split.c packer/split-unnamed.c packer/split-exports.c packer/x86-decode.c packer/fields.c packer/tables.c packer/tables-orc.c packer/tables-slide.c packer/tables-sites.c packer/tables-btf.c \
	packer/tables-kallsyms.c packer/tables-exports.c packer/sequence.c packer/merge.c \
	packer/patch.c packer/scatter.c packer/bodies.c packer/groups.c packer/symbol-names.c packer/exports.c packer/btf.c packer/encode.c packer/compress.c packer/pack.c \
	packer/compose.c packer/compose-elf.c packer/compose-open.c packer/output.c \
	packer/cmd_list.c packer/cmd_stats.c packer/cmd_diff.c packer/diff.c packer/cmd_extract.c \
	packer/cmd_verify.c packer/cmd_detect.c \
	packer/store.c packer/account.c packer/account-entries.c packer/treemap.c packer/treemap-svg.c packer/json.c packer/machine-live.c

# What the stub is made of too: the reader, and the probes for `ingot detect`.
PACKER_SHARED_SOURCES := $(sort $(wildcard stub/multi-image/*.c)) \
	stub/platform.c stub/command-line.c stub/boot-params.c

# Files as bytes: the table of backends, so that an installed ingot knows the
# usual names, and the stub.
PACKER_BLOBS := packer/built-in-table.S packer/stub-blobs.S

PACKER_LIBRARIES := -ldeflate -llzma -lzstd -llz4 -lz -lelf -lnettle -ljson-c -lpthread

PACKER_VERSION := $(shell git describe --tags --always 2>/dev/null || echo 0)

PACKER_OUT := $(OUT)$(if $(SAN),/san)
INGOT := $(PACKER_OUT)/ingot
comma := ,
PACKER_FLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Istub \
	-Istub/multi-image -Ipacker $(if $(SAN),-fno-omit-frame-pointer \
	-fsanitize=address$(comma)undefined -fno-sanitize-recover=all)

PACKER_OBJECTS := $(patsubst %.c,$(PACKER_OUT)/obj/%.o, \
	$(PACKER_SOURCES) $(PACKER_SHARED_SOURCES)) \
	$(patsubst %.S,$(PACKER_OUT)/obj/%.o,$(PACKER_BLOBS))

# Everything but main(), for the unit tests and fuzz targets to link.
PACKER_LIBRARY := $(PACKER_OUT)/libingot.a

$(INGOT): $(PACKER_OUT)/obj/packer/main.o $(PACKER_LIBRARY)
	@echo '  LINK    $@'
	$(Q)$(CC) $(PACKER_FLAGS) -o $@ $^ $(PACKER_LIBRARIES)

$(PACKER_LIBRARY): $(filter-out %/packer/main.o,$(PACKER_OBJECTS))
	@echo '  AR      $@'
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

$(PACKER_OUT)/obj/packer/%.o: packer/%.c | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(PACKER_FLAGS) -MMD -MP -c -o $@ $<

$(PACKER_OUT)/obj/stub/%.o: stub/%.c | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(PACKER_FLAGS) -MMD -MP -c -o $@ $<

$(PACKER_OUT)/obj/packer/main.o: \
	PACKER_FLAGS += -DINGOT_VERSION='"$(PACKER_VERSION)"'

$(PACKER_OUT)/obj/packer/%.o: packer/%.S
	@echo '  AS      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -c -o $@ $<

$(PACKER_OUT)/obj/packer/built-in-table.o: configs/backends
$(PACKER_OUT)/obj/packer/stub-blobs.o: $(addprefix $(OUT)/stub/,setup-32.bin head-32.bin stub-32-deflate.bin setup.bin \
	head.bin $(STUB_CODECS:%=stub-%.bin))

-include $(PACKER_OBJECTS:.o=.d)
