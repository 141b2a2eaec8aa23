/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * connect(2) with AF_UNSPEC on a listener makes it an unbound socket. What systemd passed goes on
 * listening for whoever binds next. Run bare too.
 */

#include <sys/socket.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

int main(void)
{
        const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
        int fd = listen_at("127.0.0.1:8080");

        ok(serves(0, fd), "it serves");
        same(connect(fd, &nobody, sizeof(nobody)), 0, "connect to nobody");
        ok(accept(fd, NULL, NULL) < 0, "nothing to accept");
        close(fd);

        fd = listen_at("127.0.0.1:8081");
        same(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1, "bound again, it listens");
        ok(serves(0, fd), "and serves");
        return tap_end();
}
