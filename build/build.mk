# SPDX-License-Identifier: MIT
#
# Compiling kernels once per backend, and the tools for it.

include build/linux.mk
include build/debian.mk
include build/reference.mk

# The filter that stores a kernel's payload; linked with the stub's writer of the same frame.
$(OUT)/gzip-store: build/gzip-store.c stub/multi-image/frame.c stub/multi-image/frame.h \
		stub/multi-image/format.h | packages
	@echo '  CC      $@'
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror $(filter %.c,$^) -o $@.new -lz
	$(Q)mv $@.new $@
