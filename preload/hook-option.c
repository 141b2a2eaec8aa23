/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* getsockopt(2), setsockopt(2), ioctl(2). */

#include <netinet/in.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "preload/hook.h"
#include "preload/mark.h"
#include "preload/option-table.h"
#include "preload/option.h"
#include "preload/sock.h"

/* The word of a converted socket whose options are ours to tell, with a reference; or zero. */
static word hold_converted(int fd)
{
        const word w = table_hold(fd);
        const struct sock *sock = sock_of(w);

        if (sock && sock_is_disguised(sock))
                return w;

        table_drop(w);
        return 0;
}

static int finish(word w, int r, int saved)
{
        table_drop(w);
        if (r < 0)
                return hook_result(r);

        errno = saved;
        return r;
}

/* A Unix socket that came to us with a mark is an IP socket to whoever asks. */
static bool asks_what_it_is(int level, int name)
{
        return level == SOL_SOCKET && (name == SO_DOMAIN || name == SO_PROTOCOL || name == SO_TYPE);
}

/* An option of IP sockets was refused: perhaps by a Unix socket that came to us with a mark. */
static bool is_refused_by_unix(int fd, int level, int r)
{
        return r < 0 && (errno == EOPNOTSUPP || errno == ENOPROTOOPT) &&
               (level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6) &&
               table_get(fd) == 0 && mark_adopt(fd);
}

static int get_tracked(int fd, int level, int name, void *value, socklen_t *length, int saved)
{
        word w = table_get(fd);

        if (WORD_KIND(w) == WORD_KEPT)
                return hook_result(-EBADF);

        w = hold_converted(fd);
        if (w == 0)
                return next.getsockopt(fd, level, name, value, length);

        return finish(w, option_get(fd, w, level, name, value, length), saved);
}

/* A descriptor that may have come to us with a mark. */
static int get_unknown(int fd, int level, int name, void *value, socklen_t *length)
{
        const int saved = errno;
        const int r = next.getsockopt(fd, level, name, value, length);

        if ((asks_what_it_is(level, name) && r == 0 && table_get(fd) == 0 && mark_adopt(fd)) ||
            is_refused_by_unix(fd, level, r))
                return get_tracked(fd, level, name, value, length, saved);

        return r;
}

HOOK int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
        if (UNLIKELY(table_get(fd) != 0))
                return get_tracked(fd, level, name, value, length, errno);
        if (UNLIKELY(mark_may_be_inherited))
                return get_unknown(fd, level, name, value, length);

        return next.getsockopt(fd, level, name, value, length);
}

/* When this socket is converted, there is something to carry over. */
static void note_set(int fd, word w, int level, int name)
{
        word noted = w;
        int place;

        if ((WORD_KIND(w) != WORD_INET && WORD_KIND(w) != WORD_PLAIN) || WORD_PROTOCOL(w) == 0 ||
            w & WORD_SET)
                return;

        place = option_find(level, name, NULL);
        if (place >= 0 && place < OPTION_NOTED)
                noted |= WORD_NOTE(place);
        else
                noted |= level == SOL_SOCKET ? WORD_SET_SOCKET : WORD_SET;
        /* It fails in a vfork child, too, where the word stays as it is. */
        if (noted != w && !table_replace(fd, w, noted) && table_get(fd) != w)
                note_set(fd, table_get(fd), level, name);
}

static int set_tracked(int fd, int level, int name, const void *value, socklen_t length, int saved)
{
        word w = table_get(fd);

        if (WORD_KIND(w) == WORD_KEPT)
                return hook_result(-EBADF);

        note_set(fd, w, level, name);
        w = hold_converted(fd);
        if (w == 0)
                return next.setsockopt(fd, level, name, value, length);

        return finish(w, option_set(fd, w, level, name, value, length), saved);
}

/* A descriptor that may have come to us with a mark. */
static int set_unknown(int fd, int level, int name, const void *value, socklen_t length)
{
        const int saved = errno;
        const int r = next.setsockopt(fd, level, name, value, length);

        if (is_refused_by_unix(fd, level, r))
                return set_tracked(fd, level, name, value, length, saved);

        return r;
}

HOOK int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
        if (UNLIKELY(table_get(fd) != 0))
                return set_tracked(fd, level, name, value, length, errno);
        if (UNLIKELY(mark_may_be_inherited))
                return set_unknown(fd, level, name, value, length);

        return next.setsockopt(fd, level, name, value, length);
}

/*
 * The SIOC requests of netdevice(7) ask about interfaces and take any IP socket. Some are refused
 * by a Unix socket; a passing IP socket gives the answer that the program would have got.
 */
static int ask_about_interface(sa_family_t family, unsigned long request, void *argument)
{
        const int fd = next.socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r, saved;

        if (fd < 0)
                return hook_result(-ENODEV);

        r = next.ioctl(fd, request, argument);
        saved = errno;
        next.close(fd);
        errno = saved;
        return r;
}

HOOK int ioctl(int fd, unsigned long request, ...)
{
        const word w = table_get(fd);
        void *argument;
        va_list ap;
        int r;

        va_start(ap, request);
        argument = va_arg(ap, void *);
        va_end(ap);

        if (UNLIKELY(WORD_KIND(w) == WORD_KEPT))
                return hook_result(-EBADF);

        r = next.ioctl(fd, request, argument);
        if (r < 0 && UNLIKELY(sock_of(w) != NULL) && errno == ENOTTY &&
            (request & ~0xffUL) == 0x8900)
                return ask_about_interface(sock_of(w)->family, request, argument);

        return r;
}
