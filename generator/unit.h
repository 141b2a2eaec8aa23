/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A service and all rule files that are about it. Whatever is wrong with one of them is wrong with
 * the service: it is refused (unit_reason()).
 */

#include "generator/manager.h"
#include "generator/rulefile.h"
#include "generator/unit-path.h"
#include "generator/unit-settings.h"
#include <stdbool.h>

struct unit {
        char *name; /* the unit's own, where a file gives an alias */
        bool masked;
        char *fragment;          /* NULL: none was found */
        struct rulefile **files; /* in the order of their names; borrowed, n_files of them */
        size_t n_files;
        struct unit_settings settings;
};

struct units {
        struct unit *items; /* in the order of their names */
        size_t n_items;
        struct rulefile **files; /* by unit, the pointers that the units share out */
};

/*
 * Join files by the units they are about. Files without a unit belong to none.
 *
 * files: n_files, in the order of their names; they must live as long as the result.
 * ret: to be freed with units_free(). Errors: -ENOMEM.
 */
int units_join(struct rulefile **files, size_t n_files, const struct unit_path *paths,
               struct units **ret);

void units_free(struct units *units);

/* The first file of a unit with a complaint, or NULL; its first complaint is the unit's. */
const struct rulefile *unit_broken_file(const struct unit *unit);

bool unit_is_template(const struct unit *unit);

/*
 * Put the unit's rules together as they stand in the variable: one a line.
 * ret: owned by the caller. Errors: -ENOMEM.
 */
int unit_rules(const struct unit *unit, char **ret);

/* The log level of its files, the last one that gives one, or NULL. */
const char *unit_log_level(const struct unit *unit);

/*
 * Read the settings of a unit from its fragment, its drop-ins and the [Service] sections of its
 * rule files. An empty fragment masks the unit. Errors: -ENOMEM.
 */
int unit_read_settings(struct unit *unit, const struct manager *manager,
                       const struct unit_path *paths);
