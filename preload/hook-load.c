/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dlopen(3) with RTLD_DEEPBIND makes a library look for functions in itself and in what it needs
 * first, which is the C library, and in what was preloaded only then: its sockets would be IP
 * sockets whatever the rules say. PHP loads its extensions like that, one with sockets among them.
 * So it is loaded without. The flag is there for libraries that have functions in common with the
 * program; that they get along is what the address sanitizer asks of them as well, which knows no
 * such flag.
 *
 * Libraries of dlmopen(3) have a C library of their own, and are out of our reach.
 */

#include <dlfcn.h>

#include "preload/hook-load.h"
#include "preload/hook.h"

load_fn load_find_dlopen(void)
{
        return NEXT(dlopen);
}

#if !defined(__x86_64__)

/* The compiler makes a jump of the call when it optimises: see hook-dlopen.S. */
HOOK void *dlopen(const char *file, int mode)
{
        return load_find_dlopen()(file, mode & ~RTLD_DEEPBIND);
}

#endif
