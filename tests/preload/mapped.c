/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IPv6 sockets with IPv4-mapped addresses, as Java has them: both ends of a connection are mapped,
 * also after exec(2). The program runs itself: "exec FD".
 */

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char loopback[] = "[::ffff:127.0.0.1]:";

static bool is_mapped(const char *text)
{
        return strncmp(text, loopback, strlen(loopback)) == 0;
}

static void check_names(const char *what, int fd)
{
        const char *local = local_name(fd), *peer = peer_name(fd);

        ok(is_mapped(local), "%s: own name is %s", what, local);
        ok(is_mapped(peer), "%s: peer's name is %s", what, peer);
}

static int after_exec(const char *fd)
{
        const int connection = fd[0] - '0';

        return is_mapped(local_name(connection)) && is_mapped(peer_name(connection)) ? 0 : 1;
}

static int status_after_exec(int connection)
{
        const char fd[2] = {(char)('0' + connection)};
        const pid_t child = fork();

        need(child >= 0, "fork");
        if (child == 0) {
                execl("/proc/self/exe", "mapped", "exec", fd, (char *)NULL);
                _exit(2);
        }
        return reap(child);
}

static void check(const char *listens_at, const char *asked)
{
        const int listener = listen_at(listens_at);
        const int client = socket_for(asked, SOCK_STREAM);
        struct sockaddr_storage peer = {0};
        socklen_t length = sizeof(peer);
        int connection;

        same(connect_to(client, asked), 0, "connect to %s", asked);
        connection = accept(listener, (struct sockaddr *)&peer, &length);
        need(connection >= 0 && connection < 10 && client < 10, "accept");
        ok(is_mapped(address_text((struct sockaddr *)&peer)), "%s: accept tells of %s", listens_at,
           address_text((struct sockaddr *)&peer));
        check_names(listens_at, connection);
        check_names(asked, client);
        same(status_after_exec(connection), 0, "%s: after exec", listens_at);
        same(status_after_exec(client), 0, "%s: after exec", asked);
        close(connection);
        close(client);
        close(listener);
}

int main(int argc, char **argv)
{
        if (argc == 3 && strcmp(argv[1], "exec") == 0)
                return after_exec(argv[2]);

        check("[::ffff:127.0.0.1]:8091", "[::ffff:127.0.0.1]:8091");
        check("[::ffff:0.0.0.0]:8092", "[::ffff:0.0.0.0]:8092");
        return tap_end();
}
