/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The generator directories, and writing units into them. */

#include "generator/unit.h"

struct output;

/*
 * directory: the normal generator directory. Relative paths begin at the working directory.
 * early: the one that comes before everything else, or NULL (systemd.generator(7)).
 * ret: to be freed with output_free().
 *
 * Errors: -EINVAL when the path can't be written into a unit file, -ENOMEM, or what open(2) says.
 */
int output_new(const char *directory, const char *early, struct output **ret);

/*
 * Write a unit: the files that put it under its rules, or the one that refuses it when it has a
 * complaint.
 *
 * Whatever can't be written, the unit does not start without its rules. The drop-in comes first:
 * with it there and anything else missing, systemd refuses the start. Without it, or where another
 * drop-in would undo a refusal, the unit is masked.
 *
 * Errors: a negative errno of what could not be written.
 */
int output_write(struct output *output, const struct unit *unit);

void output_free(struct output *output);
