/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What can be wrong with the sockets of rule files that are right by themselves. */

#include "generator/unit-path.h"
#include "generator/unit.h"

/*
 * Check the sockets of one unit against its rules, its other files and the units that exist. What
 * is wrong becomes complaints of the rule files, here and below.
 *
 * Errors: -ENOMEM.
 */
int sockets_check_unit(const struct unit *unit, const struct unit_path *paths);

/*
 * Find sockets whose units would have one name: that of "a" with "b-c", and of "a-b" with "c".
 * Units that are refused already are passed over, here and below.
 *
 * Errors: -ENOMEM.
 */
int sockets_check_names(const struct units *units);

/* Find Unix sockets that would have one address, in one section or in two. Errors: -ENOMEM. */
int sockets_check_addresses(const struct units *units);
