/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether the shim got into this process. The dynamic loader says so to nobody but the process's
 * stderr when a library in LD_PRELOAD can't be loaded, and runs the program without it.
 */

#include <stdbool.h>

/* Makes no system call, so that no sandbox can stand in its way. */
bool preloaded(void);

/*
 * Find out why it did not. It is a guess where the loader's own reason can't be had.
 *
 * ret: one line, owned by the caller. Errors: -ENOMEM.
 */
int preloaded_reason(char **ret);
