/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Variables that clean up after themselves when they go out of scope. */

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer)
{
        free(*(void **)pointer);
}

/* A descriptor below zero is none. */
static inline void cleanup_close(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

static inline void cleanup_closedir(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

#define _cleanup_free_     _cleanup_(cleanup_free)
#define _cleanup_close_    _cleanup_(cleanup_close)
#define _cleanup_closedir_ _cleanup_(cleanup_closedir)

/* Hand out what a cleanup variable holds, which then has nothing to clean up. */
#define TAKE(pointer)                                                                              \
        ({                                                                                         \
                __typeof__(pointer) taken_ = (pointer);                                            \
                (pointer) = NULL;                                                                  \
                taken_;                                                                            \
        })
