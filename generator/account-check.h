/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "generator/unit.h"

/*
 * The users and groups that user= and group= of the rules name. The library looks them up when the
 * socket is bound, and in /etc/passwd and /etc/group alone: asking further sources of
 * nsswitch.conf(5) would load their modules into the service.
 */
struct account_check {
        const char *root;
        struct account_file {
                char *data; /* NULL: not there, or can't be read */
                bool read;
        } files[2];
};

/*
 * Warn where a rule of the unit names somebody who is not in these files: packages and
 * systemd-sysusers(8) may add them before the service starts.
 *
 * check: with its root set; the files are read when first needed. Errors: -ENOMEM.
 */
int account_check_unit(struct account_check *check, const struct unit *unit);

/* Free what was read. */
void account_check_clear(struct account_check *check);
