/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generator/manager.h"

/*
 * Do the whole work of a generator for one manager, logging what is wrong with rule files.
 *
 * directory, early: as output_new() wants them.
 * Returns 0 when all went well, 1 when a unit was refused.
 * Errors: a negative errno, logged, when something other than a rule file is to blame.
 */
int generate(const struct manager *manager, const char *directory, const char *early);
