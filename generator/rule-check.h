/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generator/rulefile.h"

/*
 * Parse one rule of a file. What is wrong with it becomes a complaint of the file. The file's unit
 * must be known: in rules for a template %i stands for the instance.
 *
 * Errors: -ENOMEM.
 */
int rule_check(struct rulefile *file, struct rulefile_rule *rule);
