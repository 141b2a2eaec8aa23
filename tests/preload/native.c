/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Native datagram clients. See native.h. */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define TEXT_SIZE 128

static struct sockaddr_storage server;
static socklen_t server_length;

static socklen_t unix_address(const char *name, struct sockaddr_storage *ret)
{
        struct sockaddr_un *un = (struct sockaddr_un *)ret;

        memset(ret, 0, sizeof(*ret));
        un->sun_family = AF_UNIX;
        need(strlen(name) < sizeof(un->sun_path), name);
        strcpy(un->sun_path, name);
        if (*name != '@')
                return sizeof(*un);

        un->sun_path[0] = 0;
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
}

void clients_reach(int place, const char *address)
{
        if (under_rules()) {
                need(passed(place) != NULL, "where clients send");
                server_length = unix_address(passed(place), &server);
                return;
        }

        server_length = address_of(address, &server);
        /* Who is bound to all addresses is reached at the local one. */
        if (server.ss_family == AF_INET6 && strncmp(address, "[::]", 4) == 0)
                ((struct sockaddr_in6 *)&server)->sin6_addr = in6addr_loopback;
}

int serve_datagrams(const char *address, int flags)
{
        const int fd = socket_for(address, SOCK_DGRAM | SOCK_CLOEXEC | flags);

        need(fd >= 0, "socket of a server");
        errno = bind_to(fd, address);
        need(errno == 0, address);
        clients_reach(0, address);
        return fd;
}

int new_client(const char *name)
{
        const int fd = socket(server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct sockaddr_storage own;
        char abstract[sizeof(struct sockaddr_un)];
        socklen_t length;

        need(fd >= 0, "socket of a client");
        if (!under_rules() || !name)
                return fd;
        if (*name == '@') {
                /* Other tests run beside this one. */
                snprintf(abstract, sizeof(abstract), "@%s%s", getenv("TEST_DIR"), name + 1);
                name = abstract;
        } else {
                name = in_directory(name);
                (void)unlink(name);
        }
        length = unix_address(name, &own);
        need(bind(fd, (struct sockaddr *)&own, length) == 0, name);
        return fd;
}

bool client_sends(int fd, const void *bytes, size_t size)
{
        return sendto(fd, bytes, size, 0, (struct sockaddr *)&server, server_length) ==
               (ssize_t)size;
}

bool client_joins(int fd)
{
        return connect(fd, (struct sockaddr *)&server, server_length) == 0;
}

ssize_t client_gets(int fd, void *bytes, size_t size, int milliseconds)
{
        return readable(fd, milliseconds) ? recv(fd, bytes, size, MSG_DONTWAIT) : -1;
}

bool client_says(int fd, const char *text)
{
        return client_sends(fd, text, strlen(text));
}

const char *client_hears(int fd)
{
        static __thread char text[TEXT_SIZE];
        const ssize_t n = client_gets(fd, text, sizeof(text) - 1, PATIENCE);

        if (n < 0)
                return "nothing";

        text[n] = 0;
        return text;
}

const char *server_hears(int fd, char *ret_from)
{
        static __thread char text[TEXT_SIZE];
        struct sockaddr_storage from = {0};
        socklen_t length = sizeof(from);
        ssize_t n;

        if (!readable(fd, PATIENCE))
                return "nothing";

        n = recvfrom(fd, text, sizeof(text) - 1, 0, (struct sockaddr *)&from, &length);
        if (n < 0)
                return strerrorname_np(errno);

        text[n] = 0;
        if (ret_from)
                snprintf(ret_from, 64, "%s", address_text((struct sockaddr *)&from));
        return text;
}

int server_says(int fd, const char *to, const char *text)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of(to, &storage);

        return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&storage, length) < 0 ? errno
                                                                                          : 0;
}

int raise_descriptors(int wanted)
{
        struct rlimit limit = {(rlim_t)wanted, (rlim_t)wanted};

        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
                return wanted;

        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        limit.rlim_cur = limit.rlim_max < (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted;
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
        return (int)limit.rlim_cur;
}
