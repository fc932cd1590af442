# SPDX-License-Identifier: MIT
#
# What the command-line tests need: small kernels from tests/golden/kernel.S, the golden inputs,
# and the checker of --json.

CLI_OUT := $(TESTS_OUT)/golden
CLI_KERNELS := $(foreach b,64-0 64-1 64-2 64-3 64-4 32-0 32-1 32-2,$(CLI_OUT)/vmlinux$(b))

.PHONY: cli-tools
cli-tools: $(CLI_OUT)/list $(CLI_KERNELS:$(CLI_OUT)/vmlinux%=$(CLI_OUT)/bzimage%) \
	$(TESTS_OUT)/cli/json-check $(TESTS_OUT)/cli/flip-check

$(CLI_OUT)/kernel64.lds $(CLI_OUT)/kernel32.lds: $(CLI_OUT)/kernel%.lds: tests/golden/kernel.lds
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x c -DBITS=$* -o $@ $<

# BITS-BACKEND are the stem.
$(CLI_KERNELS): $(CLI_OUT)/vmlinux%: tests/golden/kernel.S $(CLI_OUT)/kernel64.lds \
		$(CLI_OUT)/kernel32.lds | packages
	@echo '  LD      $@'
	$(Q)as --$(firstword $(subst -, ,$*)) --defsym BITS=$(firstword $(subst -, ,$*)) \
		--defsym BACKEND=$(lastword $(subst -, ,$*)) -o $@.o $<
	$(Q)ld -m elf_$(if $(filter 64-%,$*),x86_64,i386) --emit-relocs --build-id=none \
		-z noexecstack -T $(CLI_OUT)/kernel$(firstword $(subst -, ,$*)).lds -o $@ $@.o

$(CLI_OUT)/payload%: $(CLI_OUT)/vmlinux%
	$(Q)objcopy -S $< $@

$(CLI_OUT)/bzimage%: $(CLI_OUT)/payload% $(CLI_OUT)/make-image
	$(Q)$(CLI_OUT)/make-image stored $< $@

$(CLI_OUT)/make-image: tests/golden/make-image.c stub/multi-image/frame.c \
		stub/multi-image/frame.h | packages
	@echo '  CC      $@'
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -Istub -o $@ $(filter %.c,$^) \
		-lz -llzma -lzstd -llz4

$(CLI_OUT)/list: $(CLI_OUT)/make-image $(CLI_OUT)/payload64-0
	@echo '  GOLDEN  $(@D)'
	$(Q)$< --golden $(CLI_OUT)/payload64-0 $(@D)

$(TESTS_OUT)/cli/json-check: tests/cli/json-check.c | packages
	@echo '  CC      $@'
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -o $@ $< -ljson-c

$(TESTS_OUT)/cli/flip-check: tests/cli/flip-check.c $(PACKER_LIBRARY) | packages
	@echo '  CC      $@'
	@mkdir -p $(@D)
	$(Q)$(CC) $(PACKER_FLAGS) -o $@ $< $(PACKER_LIBRARY) $(PACKER_LIBRARIES)

.SECONDARY: $(CLI_KERNELS:$(CLI_OUT)/vmlinux%=$(CLI_OUT)/payload%)
