/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * No descriptor left, few to begin with, very many. argv: "none-left", "few" or "many".
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MANY 20000

/* Open descriptors until the kernel refuses. Returns how many. */
static int fill(int *fds, int max)
{
        int n = 0;

        while (n < max && (fds[n] = dup(STDERR_FILENO)) >= 0)
                n++;
        return n;
}

static void empty(const int *fds, int n)
{
        while (n > 0)
                close(fds[--n]);
}

/* What is refused for want of descriptors leaves the socket as it was. */
static void check_refused(int fd, const char *address)
{
        same(bind_to(fd, address), ENOBUFS, "bind without a spare descriptor");
        is(local_name(fd), "0.0.0.0:0", "the socket is as it was: not bound");
        same(option(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, "an IP socket");
        same(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1, "with its options");
}

/* A passed socket is there already; for one to be made descriptors must be found. */
static int bind_first(int fd, int *fds, int n)
{
        int r, freed = 0;

        if (!is_activated()) {
                set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
                check_refused(fd, "127.0.0.1:80");
        }
        while ((r = bind_to(fd, "127.0.0.1:80")) == ENOBUFS && !is_activated() && freed < 8)
                close(fds[n - ++freed]);
        same(r, 0, "bind with %d spare descriptors", freed);
        same(listen(fd, 5), 0, "listen");
        return n - freed + fill(fds + n - freed, freed + 1);
}

static void check_none_left(void)
{
        int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0);
        int fds[4096], n, theirs, fd;
        const struct rlimit limit = {256, 4096};

        setrlimit(RLIMIT_NOFILE, &limit);
        set_option(second, SOL_SOCKET, SO_KEEPALIVE, 1);
        n = fill(fds, 4096);
        same(dup(0), -1, "no descriptor is left");
        n = bind_first(first, fds, n);
        check_refused(second, "127.0.0.2:80");

        close(fds[--n]);
        theirs = client(0, first);
        errno = 0;
        same(accept(first, NULL, NULL), -1, "accept");
        same(errno, EMFILE, "says EMFILE");
        close(fds[--n]);
        fd = accept(first, NULL, NULL);
        ok(fd >= 0, "the client still waits when one is free");
        is(local_name(fd), "127.0.0.1:80", "name");
        close(fd);
        close(theirs);
        same(bind_to(second, "127.0.0.2:80"), 0, "and bind works");
        same(listen(second, 5), 0, "as does listen");
        empty(fds, n);
        ok(serves(0, first), "the first serves");
}

/* Under a limit of 16 there are not many numbers to hide behind. */
static void check_few(void)
{
        int fds[64], n, fd;

        fd = listen_at("127.0.0.1:80");
        ok(serves(0, fd), "it is served");
        n = fill(fds, 64);
        ok(n >= 8, "%d of 16 numbers are free for the program", n);
        empty(fds, n);
        for (int i = 3; i < 16; i++)
                if (i != fd)
                        (void)dup2(STDERR_FILENO, i);
        for (int i = 3; i < 16; i++)
                if (i != fd)
                        close(i);
        ok(serves(0, fd), "it is served when every other number was overwritten and closed");
        close(fd);
        fd = listen_at("127.0.0.1:80");
        ok(serves(0, fd), "and when it is bound again");
}

static void check_many(void)
{
        static int theirs[MANY / 2], ours[MANY / 2];
        int fd, wrong = 0, bad, n;
        struct rlimit limit;

        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        limit.rlim_cur = limit.rlim_max < MANY + 1000 ? limit.rlim_max : MANY + 1000;
        if (limit.rlim_cur < 3000) {
                skip("many descriptors", "the limit can't be raised");
                return;
        }

        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        n = limit.rlim_cur < MANY + 1000 ? (int)(limit.rlim_cur - 1000) / 2 : MANY / 2;
        fd = listen_at("127.0.0.1:80");
        for (int i = 0; i < n; i++)
                ours[i] = accept_client(0, fd, &theirs[i]);
        for (int i = 0; i < n; i += 7)
                wrong += set_option(ours[i], IPPROTO_TCP, TCP_KEEPIDLE, 1 + i % 1000) != 0;
        for (int i = 0; i < n; i++) {
                wrong += strcmp(local_name(ours[i]), "127.0.0.1:80") != 0;
                wrong += !is_local_peer(peer_name(ours[i]), AF_INET);
                wrong += option(ours[i], IPPROTO_TCP, TCP_KEEPIDLE) !=
                         (i % 7 == 0 ? 1 + i % 1000 : 7200);
        }
        same(wrong, 0, "%d connections answer what they should", n);

        same(close_range((unsigned)ours[10], (unsigned)ours[n - 1], 0), 0, "close most");
        bad = 0;
        for (int i = 11; i < n; i++)
                bad += strcmp(local_name(ours[i]), "EBADF") != 0;
        same(bad, 0, "they are closed");
        is(local_name(ours[1]), "127.0.0.1:80", "and the others are not");
        same(fcntl(fd, F_DUPFD, 2 * n), 2 * n, "the listener at a high number");
        ok(serves(0, 2 * n), "serves");
}

int main(int argc, char **argv)
{
        need(argc == 2, "what to check");
        if (strcmp(argv[1], "none-left") == 0)
                check_none_left();
        else if (strcmp(argv[1], "few") == 0)
                check_few();
        else
                check_many();
        return tap_end();
}
