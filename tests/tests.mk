# SPDX-License-Identifier: MIT
#
# The tests.  tests/run runs programs and scripts and counts their results:
#
#   make check       all but the longest          T=... only these programs
#   make check-all   everything                   J=N   N at a time (2)
#   make bench       the figures
#   make fuzz        each fuzz target for FUZZ_SECONDS (600), corpora are kept
#   make boot        the boot matrix, as a table
#   make hosts       the test hosts for VMI and lguest, with their guests

TESTS_OUT := $(OUT)/tests
J ?= 2
RUN_TESTS = OUT='$(abspath $(OUT))' tests/run -j $(J)

# --- Programs that the boot tests need ------------------------------------------------------
# Static: they are alone in an initramfs.
BOOT_TOOLS := $(addprefix $(TESTS_OUT)/boot/,init host vmm)

.PHONY: boot-tools
boot-tools: $(BOOT_TOOLS) $(TESTS_OUT)/boot/initrd

$(BOOT_TOOLS): $(TESTS_OUT)/boot/%: tests/boot/%.c | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -Os -Wall -Wextra -Werror -static -o $@.new $<
	$(Q)mv $@.new $@

# The initramfs of every boot: init alone.
$(TESTS_OUT)/boot/initrd: $(TESTS_OUT)/boot/init
	@echo '  CPIO    $@'
	$(Q)cd $(@D) && echo init | cpio -o -H newc -R 0:0 --quiet | gzip -9n >initrd.new
	$(Q)mv $@.new $@

# --- Kernels for the tests of the command line, and golden inputs --------------------------
include tests/cli/cli.mk

# --- Test hosts: VMI, lguest -----------------------------------------------------------------
include tests/hosts/hosts.mk

# --- Kernels that the models were not made for ---------------------------------------------------
# Tiny ones, built by clang; and one that has no names of its functions.
OTHER_OUT := $(TESTS_OUT)/other
.PHONY: other-kernels
other-kernels:
	+$(Q)$(MAKE) --no-print-directory linux OUT=$(OTHER_OUT)/clang CC='ccache clang' BASE=tiny \
		BACKENDS='native native-preempt'
	+$(Q)$(MAKE) --no-print-directory linux OUT=$(OTHER_OUT)/unnamed CC='ccache clang' \
		BASE=tiny-unnamed BACKENDS=native

# --- Unit tests -----------------------------------------------------------------------------
# One program a file, linked with all of ingot but main().  A file that includes <cmocka.h>
# is linked with it; tests/run sets CMOCKA_MESSAGE_OUTPUT=TAP.
UNIT_SOURCES := $(wildcard tests/unit/*.c)
UNIT_TESTS := $(UNIT_SOURCES:tests/unit/%.c=$(TESTS_OUT)/unit/%)
UNIT_FLAGS = $(PACKER_FLAGS) -Itests

$(TESTS_OUT)/unit/%: tests/unit/%.c $(PACKER_LIBRARY) | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_FLAGS) -MMD -MP -MF $@.d -o $@ $< $(PACKER_LIBRARY) $(PACKER_LIBRARIES) \
		$(if $(shell grep -l 'cmocka\.h' $<),-lcmocka)
-include $(UNIT_TESTS:%=%.d)

# The same once more with sanitizers: a make of its own, with results of its own.
.PHONY: unit-tests unit-sanitized
unit-tests: $(UNIT_TESTS)
unit-sanitized:
	$(Q)$(MAKE) --no-print-directory SAN=1 TESTS_OUT=$(OUT)/tests/san unit-tests $(OUT)/san/ingot

# --- Fuzz targets ---------------------------------------------------------------------------
# clang compiles the target and everything behind it; each runs FUZZ_SECONDS.
FUZZ_CC ?= clang
FUZZ_FLAGS := -std=gnu11 -O1 -g -w -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=undefined -Istub -Istub/multi-image -Ipacker -Itests
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(TESTS_OUT)/fuzz/%, \
	$(wildcard tests/fuzz/fuzz-*.c))
# What the targets link: ingot without main() and with the stub's bytes.
FUZZ_LINKED := $(filter-out packer/main.c packer/cmd_%.c,$(PACKER_SOURCES)) \
	$(PACKER_SHARED_SOURCES)
FUZZ_OBJECTS := $(FUZZ_LINKED:%.c=$(TESTS_OUT)/fuzz/obj/%.o)

$(TESTS_OUT)/fuzz/obj/%.o: %.c | packages
	@echo '  FUZZ-CC $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(subst =fuzzer,=fuzzer-no-link,$(FUZZ_FLAGS)) -MMD -MP -c -o $@ $<
-include $(FUZZ_OBJECTS:.o=.d)

FUZZ_BLOBS := $(PACKER_BLOBS:%.S=$(PACKER_OUT)/obj/%.o)
$(TESTS_OUT)/fuzz/libfuzzed.a: $(FUZZ_OBJECTS) $(FUZZ_BLOBS)
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

$(TESTS_OUT)/fuzz/%: tests/fuzz/%.c $(TESTS_OUT)/fuzz/libfuzzed.a
	@echo '  FUZZ-CC $<'
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -o $@ $^ $(PACKER_LIBRARIES)

# The zstd decoder of the stub has the names of Debian's: only its table stays visible.  It computes
# pointers into what lay in front of the history, which it does not use.
FUZZ_KERNEL_ZSTD := $(TESTS_OUT)/fuzz/obj/kernel-zstd.o
$(FUZZ_KERNEL_ZSTD): stub/multi-image/codec-zstd.c stub/zstd.c $(STUB_OUT)/zstd/unpacked
	@echo '  FUZZ-CC stub/zstd.c'
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(subst =fuzzer,=fuzzer-no-link,$(FUZZ_FLAGS)) -Dcodec_zstd=codec_kernel_zstd \
		-c -o $@.codec $<
	$(Q)$(FUZZ_CC) $(subst =fuzzer,=fuzzer-no-link,$(FUZZ_FLAGS)) \
		-fno-sanitize=pointer-overflow \
		-I$(STUB_OUT)/zstd/include -I$(STUB_OUT)/zstd/lib -c -o $@.decoder stub/zstd.c
	$(Q)$(LD) -r -o $@ $@.codec $@.decoder
	$(Q)objcopy -G codec_kernel_zstd $@
$(TESTS_OUT)/fuzz/fuzz-zstd: $(FUZZ_KERNEL_ZSTD)

# Seeds are made of real stores, with the decoders taken out of the way.
$(TESTS_OUT)/fuzz/store-plain: tests/fuzz/store-plain.c $(PACKER_LIBRARY)
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(PACKER_FLAGS) -o $@ $^ $(PACKER_LIBRARIES)

.PHONY: fuzz-targets fuzz
fuzz-targets: $(FUZZ_TARGETS) $(TESTS_OUT)/fuzz/store-plain $(OUT)/gzip-store
fuzz: fuzz-targets $(INGOT)
	$(Q)FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) OUT='$(abspath $(OUT))' \
		tests/run -j $(J) -t 36000 tests/fuzz/fuzz.test

# --- Figures --------------------------------------------------------------------------------
$(TESTS_OUT)/bench/count.so: tests/bench/count.c | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden \
		-o $@ $<

.PHONY: bench bench-tools
$(TESTS_OUT)/bench/usage: tests/bench/usage.c | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -o $@ $<

$(TESTS_OUT)/bench/unpack: tests/bench/unpack.c $(PACKER_LIBRARY) | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(PACKER_FLAGS) -o $@ $^ $(PACKER_LIBRARIES)

bench-tools: $(addprefix $(TESTS_OUT)/bench/,count.so usage unpack) boot-tools
bench: bench-tools $(INGOT) linux-packed reference reference-packed
	$(Q)OUT='$(abspath $(OUT))' tests/bench/run
	@echo
	$(Q)OUT='$(abspath $(OUT))' tests/bench/reference
	@echo
	$(Q)build/reference-sizes $(INGOT) $(REFERENCE_OUT) 1.6
	$(if $(wildcard $(DEBIAN_OUT)/vmlinuz-ingot.xz),$(Q)OUT='$(abspath $(OUT))' tests/bench/debian)

# --- What runs ------------------------------------------------------------------------------
# Scripts that need no virtual machine; then the short and the long boots.
SCRIPT_TESTS := $(sort $(wildcard tests/cli/*.test tests/script/*.test))
BOOT_TESTS := $(addprefix tests/boot/,vmi-rom.test lguest-host.test \
	reference.test reference-image.test reference-counts.test multiboot.test wrapped.test exception.test levels.test other-tools.test \
	matrix.test kaslr.test override.test memory.test image.test flips.test)
LONG_TESTS := $(addprefix tests/boot/,matrix-xz.test matrix-zstd.test nested.test debian.test)
CHECK_TESTS := $(UNIT_TESTS) $(UNIT_TESTS:$(TESTS_OUT)/%=$(OUT)/tests/san/%) \
	$(SCRIPT_TESTS) tests/fuzz/fuzz.test

.PHONY: check check-all check-tools boot
check-tools: $(INGOT) cli-tools unit-tests unit-sanitized fuzz-targets boot-tools hosts reference-packed reference \
	$(TESTS_OUT)/bench/count.so

check: check-tools linux-packed other-kernels
	$(Q)$(RUN_TESTS) $(or $(T),$(BOOT_TESTS) $(CHECK_TESTS))

check-all: check-tools linux-packed other-kernels
	$(Q)$(RUN_TESTS) $(or $(T),$(LONG_TESTS) $(BOOT_TESTS) $(CHECK_TESTS))

boot: boot-tools linux-packed
	$(Q)OUT='$(abspath $(OUT))' tests/boot/run
