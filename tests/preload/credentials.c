/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * peer=credentials: the peer's address carries its user and process, as ip2unix-rules(7) says. For
 * IPv4 that is 127.U.U.U with the user's low 24 bits, and the process in the port's 16; for IPv6
 * both whole, behind a prefix. argv: where to bind.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* A client in a process of its own, which lives as long as the pipe is open. */
static pid_t start_client(int listener, int *ret_end)
{
        int fds[2];
        pid_t pid;

        need(pipe(fds) == 0, "pipe");
        pid = fork();
        if (pid == 0) {
                char byte;

                close(fds[1]);
                (void)client(0, listener);
                (void)!read(fds[0], &byte, 1);
                _exit(0);
        }
        close(fds[0]);
        *ret_end = fds[1];
        return pid;
}

static void check_ipv4(const struct sockaddr_in *in, pid_t pid)
{
        same(in->sin_family, AF_INET, "family");
        same(ntohl(in->sin_addr.s_addr), (127U << 24) + (getuid() & 0xffffff), "user");
        same(ntohs(in->sin_port), pid & 0xffff, "process");
}

static void check_ipv6(const struct sockaddr_in6 *in6, pid_t pid)
{
        uint32_t words[4];

        memcpy(words, &in6->sin6_addr, sizeof(words));
        same(in6->sin6_family, AF_INET6, "family");
        ok(in6->sin6_addr.s6_addr[0] == 0xfd, "a unique local address");
        same(ntohl(words[2]), getuid(), "user");
        same(ntohl(words[3]), pid, "process");
}

int main(int argc, char **argv)
{
        struct sockaddr_storage accepted = {0}, asked = {0};
        socklen_t length = sizeof(accepted);
        int listener, ours, end;
        pid_t pid;

        need(argc == 2, "an address");
        listener = listen_at(argv[1]);
        pid = start_client(listener, &end);
        need(readable(listener, PATIENCE), "a client");
        ours = accept(listener, (struct sockaddr *)&accepted, &length);
        if (accepted.ss_family == AF_INET)
                check_ipv4((struct sockaddr_in *)&accepted, pid);
        else
                check_ipv6((struct sockaddr_in6 *)&accepted, pid);
        length = sizeof(asked);
        same(getpeername(ours, (struct sockaddr *)&asked, &length), 0, "getpeername");
        ok(memcmp(&accepted, &asked, length) == 0, "getpeername and accept agree");
        close(end);
        reap(pid);
        return tap_end();
}
