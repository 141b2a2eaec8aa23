/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What can be wrong with rule files that are right by themselves: with each other, with the unit
 * that they are about, and with its program.
 */

#include "generator/manager.h"
#include "generator/unit.h"

/*
 * Read the settings of all units, and check those whose rule files have no complaint yet. What is
 * wrong becomes complaints of the rule files.
 *
 * Errors: -ENOMEM.
 */
int units_check(struct units *units, const struct manager *manager, const struct unit_path *paths);
