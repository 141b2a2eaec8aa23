/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The service manager that a run of the generator is for, system or user, and the directories that
 * follow from it (systemd.unit(5), ip2unix.conf(5)).
 */

#include <stdbool.h>
#include <stddef.h>

struct manager_unit_dir {
        char *path;
        /* Whether a unit here comes before one of the same name made by a generator. */
        bool beats_generators;
};

struct manager {
        bool user;
        char *root;       /* as root_open() wants it */
        const char *home; /* of the manager's user, NULL when not known; of the environment */
        char **rule_dirs; /* NULL-terminated, the one that counts most first */
        struct manager_unit_dir *unit_dirs;
        size_t n_unit_dirs;
};

/*
 * Read the environment: SYSTEMD_SCOPE, IP2UNIX_ROOT, and for the user manager HOME,
 * XDG_CONFIG_HOME, XDG_DATA_HOME and XDG_RUNTIME_DIR.
 *
 * program: argv[0]. Before version 251 systemd doesn't set SYSTEMD_SCOPE; then the name of the
 * directory that the generator was run from tells (".../user-generators/").
 *
 * Directories that systemd keeps for generators are left out of the unit directories: other
 * generators are writing there at this moment.
 *
 * ret: to be freed with manager_free(). Errors: -ENOMEM.
 */
int manager_new(const char *program, struct manager **ret);

void manager_free(struct manager *manager);
