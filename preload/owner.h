/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Users and groups by name, from /etc/passwd and /etc/group: passwd(5), group(5). The C library's
 * getpwnam(3) would load NSS modules, allocate and lock, which no hook may do.
 */

#include <sys/types.h>

/*
 * name: a name or a number. The files are those of the process's root directory.
 * Errors: -ENOENT: no such user or group; what open(2) and read(2) fail with.
 */
int owner_find_user(const char *name, uid_t *ret);
int owner_find_group(const char *name, gid_t *ret);
