/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client that sends before its server is there, to one that will be in another network namespace:
 * it has to be answered all the same, though its first name was one that can't be found from there.
 * Needs a rule that leads to the server's file: out,udp,path=DIR/udp-%p.sock. argv: the address of
 * the server.
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;

static void __attribute__((noreturn)) serve_elsewhere(void)
{
        struct sockaddr_un from;
        char byte;
        int fd;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) < 0)
                _exit(EPERM);
        fd = serve_unix(udp_file(address), SOCK_DGRAM, 0);
        for (;;) {
                socklen_t length = sizeof(from);

                if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &length) == 1)
                        (void)!sendto(fd, &byte, 1, 0, (struct sockaddr *)&from, length);
        }
}

static pid_t start_server(void)
{
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid == 0)
                serve_elsewhere();
        return pid;
}

/* Ask until there is an answer, as long as a patient client would. */
static const char *ask(int fd, const char *where)
{
        const double start = milliseconds();

        while (milliseconds() - start < PATIENCE) {
                (void)say(fd, where, "?");
                if (readable(fd, 100) && option(fd, SOL_SOCKET, SO_ERROR) == 0)
                        return hear(fd);
        }
        return "nothing";
}

static void check(int fd, const char *where, const char *what)
{
        const int before = count_files();
        int port;
        pid_t server;

        for (int i = 0; i < 3; i++) {
                const char *said = say(fd, where, "lost");

                ok(strcmp(said, "sent") == 0 || strcmp(said, "ECONNREFUSED") == 0,
                   "%s: nobody is there: %s", what, said);
        }
        port = port_in(local_name(fd));
        ok(port > 0, "%s: it has a port", what);

        server = start_server();
        is(ask(fd, where), "?", "%s: the answer arrives", what);
        is(heard_from(), address, "%s: from the server", what);
        same(port_in(local_name(fd)), port, "%s: to the same port", what);
        is(peer_name(fd), where ? "ENOTCONN" : address, "%s: its peer", what);
        is(ask(fd, where), "?", "%s: and another", what);

        kill(server, SIGKILL);
        reap(server);
        need(unlink(udp_file(address)) == 0, "unlink");
        close(fd);
        same(count_files(), before, "%s: no file is left", what);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        if (!can_unshare_network()) {
                skip("a server in another network namespace", "no right to make one");
                return tap_end();
        }
        check(udp_socket(address), address, "unconnected");
        check(udp_to(address), NULL, "connected");
        is(messages(), "", "nothing is printed");
        return tap_end();
}
