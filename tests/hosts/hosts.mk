# SPDX-License-Identifier: MIT
#
# Test hosts: the platforms that no longer exist, VMI as an option ROM and lguest as a kernel for
# QEMU, each with a guest of ours that tests it. A kernel of yours runs on them so:
#
#   qemu-system-x86_64 -option-rom out/tests/hosts/vmi.rom ...
#   qemu-system-x86_64 -device isa-debug-exit,iobase=0x501,iosize=2 \
#       -kernel out/tests/hosts/lguest-host -append OPTIONS -initrd "KERNEL ARGUMENTS,INITRD" ...
#
# (a comma in an argument is written twice). OPTIONS and exit codes: lguest/main.c.

HOSTS_OUT := $(TESTS_OUT)/hosts
# Bare 32-bit code: no library, no registers but the general ones.
HOSTS_FLAGS := -m32 -march=i686 -std=gnu11 -Os -g -Wall -Wextra -Werror -ffreestanding \
	-fno-stack-protector -fcf-protection=none -mgeneral-regs-only \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -fomit-frame-pointer
HOSTS_LINK = $(LD) -m elf_i386 --build-id=none -z noexecstack -z max-page-size=4096 \
	--no-warn-rwx-segments --defsym ADDRESS=$(1) -T tests/hosts/guest.lds

# --- VMI ------------------------------------------------------------------------------------
# The good ROM, and one for each fault that rom.S knows; in `file` the sum is wrong already.
VMI_FAULTS := licence major sum pci init
VMI_ROMS := $(addprefix $(HOSTS_OUT)/,vmi.rom vmi-no-time.rom vmi-minimal.rom \
	$(VMI_FAULTS:%=vmi-bad-%.rom) vmi-bad-file.rom)
VMI_DEFINE_vmi-no-time := -DNO_TIME
VMI_DEFINE_vmi-minimal := -DMINIMAL
$(foreach f,$(VMI_FAULTS),$(eval VMI_DEFINE_vmi-bad-$(f) := -DBAD_$(shell echo $(f) | tr a-z A-Z)))

.PHONY: hosts
hosts: $(VMI_ROMS) $(addprefix $(HOSTS_OUT)/,vmi-guest lguest-host lguest-guest \
	lguest-guest.bzimage)

$(HOSTS_OUT)/%.rom.o: tests/hosts/vmi/rom.S tests/hosts/vmi/vmi.h tests/hosts/hosts.mk | packages
	@echo '  AS      $@'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOSTS_FLAGS) $(VMI_DEFINE_$*) -c -o $@ $<

$(HOSTS_OUT)/vmi/time.o: HOSTS_EXTRA := -fpie
$(HOSTS_OUT)/%.rom.elf: $(HOSTS_OUT)/%.rom.o $(HOSTS_OUT)/vmi/calls.o \
		$(HOSTS_OUT)/vmi/time.o tests/hosts/vmi/rom.lds
	$(Q)$(LD) -m elf_i386 --build-id=none --no-warn-rwx-segments -T tests/hosts/vmi/rom.lds \
		-o $@ $(filter %.o,$^)

$(HOSTS_OUT)/%.rom: $(HOSTS_OUT)/%.rom.elf $(HOSTS_OUT)/vmi/seal
	@echo '  ROM     $@'
	$(Q)objcopy -O binary -j .rom $< $@.flat
	$(Q)$(HOSTS_OUT)/vmi/seal $@.flat $@ $(if $(filter vmi-bad-file,$*),1)

$(HOSTS_OUT)/vmi/seal: tests/hosts/vmi/seal.c | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -o $@ $<

$(HOSTS_OUT)/vmi-guest: $(addprefix $(HOSTS_OUT)/,vmi/guest-entry.o vmi/guest.o \
		vmi/guest-calls.o vmi/guest-time.o bare.o) \
		tests/hosts/guest.lds
	@echo '  LD      $@'
	$(Q)$(call HOSTS_LINK,0x100000) -o $@ $(filter %.o,$^)

# --- lguest ---------------------------------------------------------------------------------
# In the order in which a run passes through them.
LGUEST_HOST_SOURCES := start.S main.c pages.c tables.c clock.c memory.c load.c pci.c \
	interrupts.c switcher.S hypercalls.c emulate.c

$(HOSTS_OUT)/lguest-host: $(patsubst %,$(HOSTS_OUT)/lguest/%.o,$(basename $(LGUEST_HOST_SOURCES))) \
		$(HOSTS_OUT)/bare.o tests/hosts/guest.lds
	@echo '  LD      $@'
	$(Q)$(call HOSTS_LINK,0x100000) -o $@ $(filter %.o,$^)

LGUEST_GUEST_OBJECTS := $(addprefix $(HOSTS_OUT)/,lguest/guest-entry.o lguest/guest.o \
	$(patsubst %,lguest/guest-%.o,traps clock pages user kill) bare.o)
$(HOSTS_OUT)/lguest-guest: $(LGUEST_GUEST_OBJECTS) \
		tests/hosts/guest.lds
	@echo '  LD      $@'
	$(Q)$(call HOSTS_LINK,0x1000000) -o $@ $(filter %.o,$^)

# The same at 1 MiB, where a bzImage is loaded.
$(HOSTS_OUT)/lguest-guest.flat: $(LGUEST_GUEST_OBJECTS) tests/hosts/guest.lds
	$(Q)$(call HOSTS_LINK,0x100000) -o $@.elf $(filter %.o,$^)
	$(Q)objcopy -O binary $@.elf $@

$(HOSTS_OUT)/lguest-guest.bzimage: tests/hosts/lguest/bzimage.S $(HOSTS_OUT)/lguest-guest.flat
	@echo '  BZIMAGE $@'
	$(Q)$(CC) $(HOSTS_FLAGS) -DGUEST='"$(HOSTS_OUT)/lguest-guest.flat"' -c -o $@.o $<
	$(Q)objcopy -O binary -j .data $@.o $@

# --- Objects --------------------------------------------------------------------------------
$(HOSTS_OUT)/%.o: tests/hosts/%.c tests/hosts/hosts.mk | packages
	@echo '  CC      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOSTS_FLAGS) $(or $(HOSTS_EXTRA),-fno-pic) -MMD -MP -c -o $@ $<

$(HOSTS_OUT)/%.o: tests/hosts/%.S tests/hosts/hosts.mk | packages
	@echo '  AS      $<'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(HOSTS_FLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(HOSTS_OUT)/*.d $(HOSTS_OUT)/*/*.d)
.SECONDARY: $(VMI_ROMS:%=%.o) $(VMI_ROMS:%=%.elf) $(HOSTS_OUT)/vmi/calls.o
