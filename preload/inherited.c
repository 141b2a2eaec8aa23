/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options that connections inherit. See inherited.h. */

#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

#include "preload/inherited.h"
#include "preload/next.h"
#include "preload/option.h"

/* Not in every C library's headers. */
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

static const struct {
        int name;
        int buffer; /* its bit in SO_BUF_LOCK, which says whether the program has set it; or 0 */
} options[] = {
        {SO_KEEPALIVE, 0}, {SO_LINGER, 0},   {SO_OOBINLINE, 0}, {SO_RCVTIMEO, 0},
        {SO_SNDTIMEO, 0},  {SO_RCVLOWAT, 0}, {SO_SNDBUF, 1},    {SO_RCVBUF, 2},
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static int buffers_set(int fd)
{
        int locked = 0;
        socklen_t length = sizeof(locked);

        return next.getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &locked, &length) < 0 ? 0 : locked;
}

/* A switch that is on, a time that is not zero: all are so many bytes. */
static bool is_set(size_t i, const void *value, socklen_t length)
{
        static const char zero[sizeof(struct timeval)];
        int number = 0;

        memcpy(&number, value, length < sizeof(number) ? length : sizeof(number));
        switch (options[i].name) {
        case SO_RCVLOWAT:
                return number > 1;
        case SO_RCVTIMEO:
        case SO_SNDTIMEO:
                return length <= sizeof(zero) && memcmp(value, zero, length) != 0;
        default:
                return number != 0;
        }
}

unsigned inherited_find(int fd)
{
        const int locked = buffers_set(fd);
        unsigned set = 0;

        for (size_t i = 0; i < N_OPTIONS; i++) {
                char value[sizeof(struct timeval)];
                socklen_t length = sizeof(value);

                if (options[i].buffer ? locked & options[i].buffer
                                      : next.getsockopt(fd, SOL_SOCKET, options[i].name, value,
                                                        &length) == 0 &&
                                                is_set(i, value, length))
                        set |= 1u << i;
        }

        return set;
}

unsigned inherited_note(unsigned set, int name, const void *value, socklen_t length)
{
        for (size_t i = 0; value && i < N_OPTIONS; i++)
                if (options[i].name == name)
                        return is_set(i, value, length) ? set | 1u << i : set & ~(1u << i);

        return set;
}

unsigned inherited_but_sending(unsigned set)
{
        for (size_t i = 0; i < N_OPTIONS; i++)
                if (options[i].name == SO_SNDTIMEO || options[i].name == SO_SNDBUF)
                        set &= ~(1u << i);

        return set;
}

void inherited_copy(int from, int to, unsigned set)
{
        for (size_t i = 0; set >> i; i++)
                if (set >> i & 1)
                        option_copy(from, to, options[i].name);
}

unsigned inherited_complete(unsigned set)
{
        for (size_t i = 0; i < N_OPTIONS; i++)
                if (!options[i].buffer)
                        set |= 1u << i;

        return set;
}
