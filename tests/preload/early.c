/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sockets in other libraries' constructors and IFUNC resolvers: see early-library.c. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/early.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static void check(const struct early_results *results, const char *what)
{
        ok(results->ran, "%s: it ran", what);
        ok(results->fd >= 0, "%s: socket", what);
        same(results->bind, 0, "%s: bind", what);
        same(results->name, 0, "%s: getsockname", what);
        same(results->family, AF_INET, "%s: the family", what);
        same(results->option, 0, "%s: getsockopt", what);
        same(results->type, SOCK_STREAM, "%s: the type", what);
        ok(results->copy > results->fd, "%s: dup", what);
        same(results->copy2, results->copy, "%s: dup2", what);
        same(results->close, 0, "%s: close", what);
        same(results->pair, 0, "%s: socketpair", what);
        same(results->bad_close, -1, "%s: close again", what);
        same(results->bad_errno, EBADF, "%s: says EBADF", what);
}

int main(void)
{
#ifdef EARLY_RESOLVER
        same(early_answer(), 42, "the function that was resolved");
        check(&early_resolver, "resolver");
#endif
        check(&early_constructor, "constructor");
        ok(serves(0, listen_at("127.0.0.1:80")), "main binds and serves");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
