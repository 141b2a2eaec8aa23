/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generator/manager.h"
#include "generator/unit.h"

/*
 * Look at the programs of all units that have no complaint yet. One that no library can be
 * preloaded into becomes a complaint of the unit's first rule file. What can't be seen from here,
 * at boot above all, can't be judged.
 *
 * Errors: -ENOMEM.
 */
int programs_check(const struct units *units, const struct manager *manager);
