/* SPDX-License-Identifier: MIT */
/* The variants' BTF as one pool of types, and its streams. */
#ifndef PACKER_BTF_H
#define PACKER_BTF_H

#include "symbol-names.h"

/* Writes the streams of BTF of all variants that derive it. */
void btf_put(const struct master *m, const struct interner *names,
             struct symbol_names *symbols, struct streams *streams);

#endif
