/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a unit's files are: its fragment and its drop-ins in the unit directories of a manager, by
 * the rules of systemd.unit(5). The directories are read once, so that asking for a unit costs no
 * system call.
 */

#include "generator/manager.h"
#include <stdbool.h>

struct unit_path;

/*
 * manager: must live as long as the result. ret: to be freed with unit_path_free().
 * A directory that can't be read counts as empty. Errors: -ENOMEM.
 */
int unit_path_new(const struct manager *manager, struct unit_path **ret);

void unit_path_free(struct unit_path *paths);

/* What a name stands for. */
struct unit_location {
        char *name;     /* of the unit: not that of name when that is an alias */
        char *fragment; /* without IP2UNIX_ROOT; NULL when there is none or it is masked */
        bool masked;    /* by a link; an empty fragment masks as well */
};

/*
 * Follow a name, through aliases, to a unit and its fragment. A name that is found nowhere stands
 * for itself: another generator may be about to make that unit.
 *
 * ret: to be freed with unit_location_free(). Errors: -ELOOP, -ENOMEM.
 */
int unit_path_find(const struct unit_path *paths, const char *name, struct unit_location *ret);

void unit_location_free(struct unit_location *location);

/*
 * Read the fragment of a location, as root_read() does.
 */
int unit_path_read(const struct unit_path *paths, const char *fragment, size_t limit, char **ret,
                   size_t *ret_size);

struct unit_dropin {
        char *path;            /* without IP2UNIX_ROOT */
        const char *name;      /* the last component of path */
        size_t order;          /* in which it was found: the first of a name counts */
        bool masks;            /* it is none itself, and keeps others of its name from counting */
        bool beats_generators; /* it counts more than one of its name made by a generator */
};

/*
 * List the drop-ins of a unit in the order in which they apply, those for its aliases, its
 * template, the "foo-.service.d" of its prefixes and "service.d" included.
 *
 * name: of the unit itself, not an alias. ret, ret_n: to be freed with unit_dropins_free(); NULL
 * when there are none. Errors: -ENOMEM.
 */
int unit_path_dropins(const struct unit_path *paths, const char *name, struct unit_dropin **ret,
                      size_t *ret_n);

void unit_dropins_free(struct unit_dropin *dropins, size_t n_dropins);

/*
 * The path of a unit's file that one made by a generator would hide, or NULL.
 * ret: owned by the caller. Errors: -ENOMEM.
 */
int unit_path_hidden(const struct unit_path *paths, const char *name, char **ret);
