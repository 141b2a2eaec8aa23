/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library that uses sockets before main(): in an IFUNC resolver, when the shim's constructor has
 * not run, and in a constructor. What they saw is kept for early.c to look at.
 */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/early.h"

struct early_results early_resolver, early_constructor;

static void try_sockets(struct early_results *ret)
{
        struct sockaddr_in in = {.sin_family = AF_INET};
        socklen_t length = sizeof(in);
        int fds[2], value = 0;

        ret->fd = socket(AF_INET, SOCK_STREAM, 0);
        ret->bind = bind(ret->fd, (struct sockaddr *)&in, sizeof(in));
        ret->name = getsockname(ret->fd, (struct sockaddr *)&in, &length);
        ret->family = in.sin_family;
        length = sizeof(value);
        ret->option = getsockopt(ret->fd, SOL_SOCKET, SO_TYPE, &value, &length);
        ret->type = value;
        ret->copy = dup(ret->fd);
        ret->copy2 = dup2(ret->fd, ret->copy);
        ret->close = close(ret->copy);
        ret->pair = socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
        (void)close(fds[0]);
        (void)close(fds[1]);
        ret->bad_close = close(fds[1]);
        ret->bad_errno = errno;
        ret->ran = true;
        (void)close(ret->fd);
}

static void __attribute__((constructor)) construct(void)
{
        try_sockets(&early_constructor);
}

#ifdef EARLY_RESOLVER
static int answer(void)
{
        return 42;
}

typedef int answer_fn(void);

/*
 * The dynamic linker calls this while it relocates the library: of other libraries only what was
 * relocated before may be called.
 */
static __attribute__((used)) answer_fn *resolve(void)
{
        try_sockets(&early_resolver);
        return answer;
}

int early_answer(void) __attribute__((ifunc("resolve"), visibility("default")));
#endif
