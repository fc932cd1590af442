/* SPDX-License-Identifier: MIT */
/* What account.c and account-entries.c share. */
#ifndef PACKER_ACCOUNT_PARTS_H
#define PACKER_ACCOUNT_PARTS_H

#include "account.h"
#include "../stub/multi-image/unpack.h"

/* Names the entries and tells why not all variants share them; u has its
 * streams open.  A reader's error code. */
int account_explain(struct account *a, const struct unpacker *u);

/* Puts sections, memberships and entries in order. */
void account_sort(struct account *a);

#endif
