/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Addresses of datagram sockets in the words of the programs here: a path is a Unix socket's, a
 * number is a port of 127.0.0.1.
 */

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/bench/measure.h"

#define DATAGRAM_SIZE 100

/* As many bytes as the family's addresses can have: what recvfrom(2) is told, and msg_namelen. */
struct datagram_address {
        union {
                struct sockaddr any;
                struct sockaddr_in in;
                struct sockaddr_un un;
        };
        socklen_t length;
};

static inline struct datagram_address datagram_address(const char *where)
{
        struct datagram_address ret = {.un.sun_family = AF_UNIX, .length = sizeof ret.un};

        if (*where == '/') {
                strncpy(ret.un.sun_path, where, sizeof ret.un.sun_path - 1);
                return ret;
        }
        memset(&ret, 0, sizeof ret);
        ret.in.sin_family = AF_INET;
        ret.in.sin_port = htons((uint16_t)number(where));
        ret.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ret.length = sizeof ret.in;
        return ret;
}

static inline int datagram_socket(const struct datagram_address *address)
{
        int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        return fd;
}
