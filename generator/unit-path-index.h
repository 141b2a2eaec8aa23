/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The contents of the unit directories, sorted for looking up. */

#include "generator/manager.h"
#include <stdbool.h>

struct unit_path_entry {
        char *name;
        char *target; /* of a symbolic link, as it is written; else NULL */
};

struct unit_path_dir {
        const char *path; /* borrowed from the manager */
        int fd;           /* -1 when there is no such directory */
        bool beats_generators;
        struct unit_path_entry *entries;
        size_t n_entries;
};

/* Another name of a unit. */
struct unit_path_alias {
        char *unit;
        char *name;
};

struct unit_path {
        const struct manager *manager;
        struct unit_path_dir *dirs;
        size_t n_dirs;
        struct unit_path_alias *aliases; /* sorted by unit, then name */
        size_t n_aliases;
};

/* An entry of a directory by its name, or NULL. */
const struct unit_path_entry *unit_path_dir_get(const struct unit_path_dir *dir, const char *name);

/* The other names of a unit, so many of them: NULL for none. */
const struct unit_path_alias *unit_path_aliases(const struct unit_path *paths, const char *unit,
                                                size_t *ret_n);
