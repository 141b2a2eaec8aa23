/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opens and passes sockets. See pass.h. */

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/pass.h"
#include "tests/preload/tap.h"

#define FIRST_FD 3
#define MAX      64
#define HIGH     600 /* above what is passed, and above what activate's -n leaves */

static struct {
        int fds[MAX];
        int n;
        char names[4096], addresses[8192];
} passing;

static void append(char *list, size_t size, const char *separator, const char *text)
{
        const size_t length = strlen(list);

        need(length + strlen(text) + 2 <= size, "room for what is passed");
        snprintf(list + length, size - length, "%s%s", length > 0 ? separator : "", text);
}

void pass_address(const char *address)
{
        append(passing.addresses, sizeof(passing.addresses), "|", address);
}

const char *pass_addresses(void)
{
        return passing.addresses;
}

static int type_of(const char *kind)
{
        if (*kind != '/' && strstr(kind, "-dgram"))
                return SOCK_DGRAM;

        return strcmp(kind, "unix-seqpacket") == 0 ? SOCK_SEQPACKET : SOCK_STREAM;
}

static int listen_unix(const char *kind, const char *directory)
{
        const bool abstract = strncmp(kind, "abstract", strlen("abstract")) == 0;
        const char *path = strchr(kind, '/');
        const int type = type_of(kind);
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        socklen_t length = sizeof(un);
        const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        if (path)
                snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
        else
                snprintf(un.sun_path, sizeof(un.sun_path), "%s%s/%d", abstract ? "@" : "",
                         directory, passing.n);
        pass_address(un.sun_path);
        if (abstract) {
                length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(un.sun_path));
                un.sun_path[0] = 0;
        }
        need(bind(fd, (struct sockaddr *)&un, length) == 0, "bind");
        need(type == SOCK_DGRAM || listen(fd, SOMAXCONN) == 0, "listen");
        return fd;
}

static int listen_inet(const char *kind)
{
        const char *address = strchr(kind, ':')   ? strchr(kind, ':') + 1
                              : strchr(kind, '6') ? "[::1]:0"
                                                  : "127.0.0.1:0";
        const bool udp = strncmp(kind, "udp", strlen("udp")) == 0;
        const int fd = socket_for(address, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC);

        need(fd >= 0 && bind_to(fd, address) == 0, address);
        need(udp || listen(fd, SOMAXCONN) == 0, "listen");
        pass_address(local_name(fd));
        return fd;
}

static int make_pair(void)
{
        int fds[2];

        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
        pass_address("pair");
        return fds[0];
}

void pass_open(char *argument, const char *directory)
{
        char *kind = strchr(argument, '=');
        int fd;

        need(kind && passing.n < MAX, argument);
        *kind++ = 0;
        fd = strcmp(kind, "pair") == 0       ? make_pair()
             : strncmp(kind, "inet", 4) == 0 ? listen_inet(kind)
             : strncmp(kind, "udp", 3) == 0  ? listen_inet(kind)
                                             : listen_unix(kind, directory);
        passing.fds[passing.n] = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
        need(passing.fds[passing.n++] >= 0, "F_DUPFD_CLOEXEC");
        close(fd);
        /* Nobody calls his first socket "", so that a separator always separates. */
        append(passing.names, sizeof(passing.names), ":", argument);
}

void pass_on(const char *pid)
{
        char text[24];

        if (passing.n == 0)
                return;

        for (int i = 0; i < passing.n; i++)
                need(dup2(passing.fds[i], FIRST_FD + i) >= 0, "dup2");
        snprintf(text, sizeof(text), "%d", passing.n);
        setenv("LISTEN_FDS", text, true);
        setenv("TEST_PASSED", text, true);
        snprintf(text, sizeof(text), "%d", (int)getpid());
        setenv("LISTEN_PID", pid ? pid : text, true);
        setenv("LISTEN_FDNAMES", passing.names, true);
}
