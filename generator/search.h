/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The rule files that count: *.conf in the rule directories of a manager, one of a name, in the
 * order of their names, as systemd does it with its own configuration files.
 */

#include "generator/manager.h"
#include <stddef.h>

struct search_entry {
        char *path;       /* as an administrator sees it, without IP2UNIX_ROOT */
        const char *name; /* the last component of path */
        size_t directory; /* which of the manager's rule directories */
};

struct search {
        const struct manager *manager;
        int *fds;    /* of the rule directories, -1 where there is none */
        int *errors; /* of the rule directories, 0 for those that are missing or were read */
        struct search_entry *entries;
        size_t n_entries;
};

/*
 * Look through the rule directories. A directory named x.conf is passed over, as systemd passes it
 * over; so are hidden files. All else that isn't a readable file is an entry, so that its service
 * is refused: a dangling link, say, was meant to lead to rules.
 *
 * A directory that is there and can't be read is one of the errors above. What could be read of it,
 * and the other directories, count all the same.
 *
 * manager: must live as long as the result. ret: to be freed with search_free().
 * Errors: -ENOMEM.
 */
int search_rule_files(const struct manager *manager, struct search **ret);

/*
 * Read an entry.
 *
 * ret: the bytes with a NUL behind them, owned by the caller. ret_size: without that NUL.
 * Errors: -ENODATA when the file is masked (empty, or a link to /dev/null), else as root_read().
 */
int search_read(const struct search *search, const struct search_entry *entry, char **ret,
                size_t *ret_size);

void search_free(struct search *search);
