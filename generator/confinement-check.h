/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Settings that confine a service, and stand where they don't. */

#include "generator/unit.h"
#include <stdbool.h>

/* Whether a key confines a service when it stands in [Service]. */
bool confinement_is_key(const char *key);

/*
 * Warn of such keys in [Socket NAME] and [Unit], unless a rule file of the unit has the key in
 * [Service] as well. Errors: -ENOMEM.
 */
int confinement_check_unit(const struct unit *unit);
