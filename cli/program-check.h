/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/program.h"

/*
 * Look whether the library can be preloaded into a program. When it can't, say so, why, and what
 * can be done.
 *
 * path: of search-path.h: a file of the current directory when it has no slash.
 * ret: what was found out, where the function fails with anything but -EPERM as well.
 *
 * Errors: -EPERM (printed), those of program_follow() (not printed: execve(2) will fail as well, or
 * the file is one that can be executed but not read).
 */
int program_check(const char *path, struct program *ret);
