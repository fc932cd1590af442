/* SPDX-License-Identifier: MIT */
/*
 * The commands of ingot, one cmd_*.c each.
 */
#ifndef PACKER_COMMANDS_H
#define PACKER_COMMANDS_H

#include "options.h"

extern const struct command command_pack;
extern const struct command command_list;
extern const struct command command_stats;
extern const struct command command_diff;
extern const struct command command_extract;
extern const struct command command_verify;
extern const struct command command_detect;

#endif
