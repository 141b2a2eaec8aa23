/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * fclose(3), freopen(3), daemon(3): the C library closes and replaces descriptors in these without
 * calling close(2) or dup2(2) by their exported names, so that our hooks don't see it.
 */

#include <stdio.h>

#include "preload/claim.h"
#include "preload/departure.h"
#include "preload/hook.h"

/* Forget the descriptor of a stream that is about to be closed. */
static struct departure leave(FILE *stream)
{
        const int saved = errno;
        const int fd = fileno(stream);
        struct departure departure;
        struct claim claim;

        claim_to_close(fd, &claim);
        departure = departure_of(fd, table_get(fd));
        if (fd >= 0)
                table_forget(fd);
        claim_closed(fd, &claim);
        errno = saved;
        return departure;
}

HOOK int fclose(FILE *stream)
{
        const struct departure departure = leave(stream);
        const int r = NEXT(fclose)(stream);

        departure_finish(&departure);
        return r;
}

HOOK FILE *freopen(const char *path, const char *mode, FILE *stream)
{
        const struct departure departure = leave(stream);
        FILE *reopened = NEXT(freopen)(path, mode, stream);

        departure_finish(&departure);
        return reopened;
}

HOOK FILE *freopen64(const char *path, const char *mode, FILE *stream)
{
        const struct departure departure = leave(stream);
        FILE *reopened = NEXT(freopen64)(path, mode, stream);

        departure_finish(&departure);
        return reopened;
}

HOOK int daemon(int nochdir, int noclose)
{
        const int r = NEXT(daemon)(nochdir, noclose);

        if (r == 0 && !noclose)
                for (int fd = 0; fd <= 2; fd++)
                        table_forget(fd);
        return r;
}
