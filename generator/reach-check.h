/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rules that are never reached, since one before them matches all that they do. */

#include "generator/unit.h"

/* Warn of such rules, those of all files of the unit taken together. Errors: -ENOMEM. */
int reach_check_unit(const struct unit *unit);
