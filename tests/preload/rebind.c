/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program may close its socket and bind again, as often as it likes, and is served again. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define TIMES 100

static void check_often(void)
{
        int good = 0;

        for (int i = 0; i < TIMES; i++) {
                const int fd = listen_at("127.0.0.1:80");

                good += serves(0, fd);
                close(fd);
        }
        same(good, TIMES, "served each of %d times", TIMES);
}

static void check_duplicate(void)
{
        int fd = listen_at("127.0.0.1:80"), copy = dup(fd), other;

        close(fd);
        if (is_activated()) {
                other = listen_at("127.0.0.1:80");
                ok(!readable(other, 0) && serves(0, copy), "a duplicate keeps the socket");
        } else {
                other = socket(AF_INET, SOCK_STREAM, 0);
                same(bind_to(other, "127.0.0.1:80"), EADDRINUSE, "a duplicate keeps the address");
                ok(serves(0, copy), "and the socket");
        }
        close(copy);
        close(other);
        fd = listen_at("127.0.0.1:80");
        ok(serves(0, fd), "it is free when the last duplicate is closed");
        close(fd);
}

/* The number is overwritten, and nobody has called close(2). */
static void check_overwritten(void)
{
        int fd = listen_at("127.0.0.1:80");

        dup2(STDERR_FILENO, fd);
        is(local_name(fd), "ENOTSOCK", "dup2 over it ends it");
        close(fd);
        fd = listen_at("127.0.0.1:80");
        ok(serves(0, fd), "and it can be bound again");
        close(fd);
}

/* Connections outlive their listener: getsockname(2) must not ask it. */
static void check_connection(void)
{
        int fd = listen_at("127.0.0.1:80"), connection = accept_client(0, fd, NULL), other;
        const char *peer = peer_name(connection);

        close(fd);
        is(local_name(connection), "127.0.0.1:80", "a connection keeps its address");
        other = listen_at("127.0.0.2:80");
        is(local_name(connection), "127.0.0.1:80", "when another socket is bound meanwhile");
        is(peer_name(connection), peer, "and its peer's");
        ok(serves(0, other), "which is served");
        close(connection);
        close(other);
}

static void check_queue(void)
{
        int fd = listen_at("127.0.0.1:80"), waiting = client(0, fd), other;
        char byte;

        close(fd);
        other = listen_at("127.0.0.1:80");
        need(readable(other, PATIENCE), "the client that was queued");
        fd = accept(other, NULL, NULL);
        ok(fd >= 0 && write(waiting, "q", 1) == 1 && read(fd, &byte, 1) == 1,
           "a client that waited in the queue is not lost");
        close(fd);
        close(other);
        close(waiting);
}

int main(void)
{
        check_often();
        check_duplicate();
        check_overwritten();
        check_connection();
        if (is_activated())
                check_queue();
        ok(strlen(messages()) == 0, "nothing is printed");
        return tap_end();
}
