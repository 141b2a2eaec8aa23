/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generator/rulefile.h"

/*
 * Check one rule of a file and learn which socket it wants. What is wrong with it becomes a
 * complaint of the file. The file's unit must be known: in rules for a template %i stands for the
 * instance.
 *
 * Errors: -ENOMEM.
 */
int rule_check(struct rulefile *file, struct rulefile_rule *rule);
