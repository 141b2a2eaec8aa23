/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fclose(3), freopen(3), daemon(3): the C library closes and replaces descriptors in these without
 * calling close(2) or dup2(2) by their exported names, so that our hooks don't see it.
 */

#include <stdio.h>

#include "preload/hook.h"

/* Forget the descriptor of a stream. */
static void forget_stream(FILE *stream)
{
        const int saved = errno;
        const int fd = fileno(stream);

        if (fd >= 0)
                table_forget(fd);
        errno = saved;
}

HOOK int fclose(FILE *stream)
{
        forget_stream(stream);
        return NEXT(fclose)(stream);
}

HOOK FILE *freopen(const char *path, const char *mode, FILE *stream)
{
        forget_stream(stream);
        return NEXT(freopen)(path, mode, stream);
}

HOOK FILE *freopen64(const char *path, const char *mode, FILE *stream)
{
        forget_stream(stream);
        return NEXT(freopen64)(path, mode, stream);
}

HOOK int daemon(int nochdir, int noclose)
{
        const int r = NEXT(daemon)(nochdir, noclose);

        if (r == 0 && !noclose)
                for (int fd = 0; fd <= 2; fd++)
                        table_forget(fd);
        return r;
}
