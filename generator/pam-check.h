/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Whether PAM would take the place of what a service preloads. With PAMName=, systemd gives the
 * service the environment that PAM's modules made of its own, and pam_env(8) sets in it what its
 * files hold.
 *
 * root: as root_open() wants it. ret: the file that has LD_PRELOAD, NULL for none; static.
 * Errors: -ENOMEM. A file that can't be read has none.
 */
int pam_check_preload(const char *root, const char **ret);
