/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sockets with SO_REUSEPORT that are bound to one address share the passed socket; one that is
 * bound elsewhere does not, nor does one that has not set it.
 */

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static int listen_with(const char *address, bool reuseport)
{
        const int fd = socket_for(address, SOCK_STREAM);

        need(fd >= 0, "socket");
        same(set_option(fd, SOL_SOCKET, SO_REUSEPORT, reuseport), 0, "%s: SO_REUSEPORT %d", address,
             reuseport);
        same(bind_to(fd, address), 0, "%s: bind", address);
        same(option(fd, SOL_SOCKET, SO_REUSEPORT), reuseport, "%s: SO_REUSEPORT read back",
             address);
        same(listen(fd, 5), 0, "%s: listen", address);
        return fd;
}

/* An address that is in use is taken for who does not share it; what systemd passed is not asked.
 */
static int listen_alone(void)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);

        if (is_activated()) {
                close(fd);
                return listen_with("0.0.0.0:80", false);
        }
        same(bind_to(fd, "0.0.0.0:80"), EADDRINUSE, "without SO_REUSEPORT the address is taken");
        return fd;
}

/* A worker that binds the address itself, as it does when the parent has closed its own. */
static void check_workers(void)
{
        for (int i = 0; i < 2; i++) {
                const pid_t pid = fork();

                if (pid == 0) {
                        const int fd = socket(AF_INET, SOCK_STREAM, 0);

                        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
                        _exit(bind_to(fd, "0.0.0.0:80") == 0 && listen(fd, 5) == 0 && serves(0, fd)
                                      ? 0
                                      : 1);
                }
                same(reap(pid), 0, "worker %d binds for itself and is served", i);
        }
}

int main(void)
{
        int first, second, other, alone;

        first = listen_with("0.0.0.0:80", true);
        second = listen_with("0.0.0.0:80", true);
        other = listen_with("127.0.0.2:80", true);
        alone = listen_alone();

        ok(serves(0, first), "the first is served");
        ok(serves(0, second), "the second is served");
        close(client(0, first));
        ok(readable(first, PATIENCE) && readable(second, 0), "a client wakes up both");
        ok(!readable(other, 0), "but not the one at another address");
        if (is_activated())
                ok(!readable(alone, 0), "nor the one without the option");
        close(accept(first, NULL, NULL));
        ok(!readable(second, 0), "one accepts it, the other has nothing to accept");

        close(first);
        ok(serves(0, second), "the second goes on when the first is closed");
        close(second);
        close(other);
        close(alone);
        check_workers();

        first = listen_at("0.0.0.0:80");
        ok(serves(0, first), "all closed: the socket is free again");
        return tap_end();
}
