/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Binds without bind(2): listen(2) on an unbound socket takes the wildcard address and a free port,
 * bindresvport(3) a reserved one, by the C library and around bind(2). argv: "listen" or
 * "bindresvport".
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static void check_listen(void)
{
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        char name[64];

        same(listen(fd, 5), 0, "listen on an unbound socket");
        strcpy(name, local_name(fd));
        ok(strncmp(name, "0.0.0.0:", 8) == 0 && atoi(name + 8) >= 32768,
           "binds it to the wildcard and a free port");
        ok(serves(0, fd), "it serves");
        close(fd);
        fd = socket(AF_INET6, SOCK_STREAM, 0);
        same(listen(fd, 5), 0, "the same for IPv6");
        ok(strncmp(local_name(fd), "[::]:", 5) == 0, "name");
        ok(serves(0, fd), "serves");
        close(fd);

        fd = socket(AF_INET, SOCK_DGRAM, 0);
        errno = 0;
        same(listen(fd, 5), -1, "listen on a datagram socket fails");
        same(errno, EOPNOTSUPP, "says EOPNOTSUPP");
        close(fd);
}

static void check_reserved(void)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in in = {.sin_family = AF_INET};
        struct sockaddr_in wrong = {.sin_family = AF_INET6};
        char name[64];

        errno = 0;
        same(bindresvport(fd, &wrong), -1, "bindresvport with another family");
        same(errno, EAFNOSUPPORT, "says EAFNOSUPPORT");
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (!under_rules() && geteuid() != 0) {
                skip("bindresvport", "the kernel keeps those ports for root");
                return;
        }
        same(bindresvport(fd, &in), 0, "bindresvport");
        ok(ntohs(in.sin_port) >= 512 && ntohs(in.sin_port) < 1024, "tells a reserved port");
        strcpy(name, address_text((struct sockaddr *)&in));
        is(local_name(fd), name, "which is the socket's");
        same(listen(fd, 5), 0, "listen");
        ok(serves(0, fd), "it serves");
        close(fd);
}

int main(int argc, char **argv)
{
        need(argc == 2, "listen or bindresvport");
        if (strcmp(argv[1], "listen") == 0)
                check_listen();
        else
                check_reserved();
        return tap_end();
}
