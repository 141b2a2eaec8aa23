/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The owner and the mode of a socket file that is being made: mode=, user= and group= of a rule.
 * There is no moment at which the file can be opened with wider rights.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "preload/target.h"
#include "rules/rule.h"

struct socket_rights {
        bool by_default; /* nothing was asked for: the process's own, and its umask */
        mode_t mode;
        uid_t user; /* or -1 */
        gid_t group;
};

/* What a rule asks for. Errors, with a message: -EACCES: an unknown user or group. */
int socket_rights_of_rule(const struct rule *rule, struct socket_rights *ret);

/*
 * bind(2), to a file with these rights. After a failure there is no file of ours.
 * Errors: those of bind(2), open(2), chown(2) and chmod(2); -EADDRINUSE is bind's alone.
 */
int socket_rights_bind(int fd, const struct target *target, const struct socket_rights *rights);

/*
 * chmod(2) of a socket file that is open. file: a descriptor of it, opened with O_PATH.
 * Errors: those of chmod(2); -ENOSYS: neither /proc nor the kernel has a way.
 */
int socket_rights_set_mode(int file, const struct target *target, mode_t mode);
