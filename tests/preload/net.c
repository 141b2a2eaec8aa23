/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sockets in few words. See net.h. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define TEXTS     8
#define TEXT_SIZE 128
#define BIG       16384

static char *next_text(void)
{
        static __thread char texts[TEXTS][TEXT_SIZE];
        static __thread unsigned turn;

        return texts[turn++ % TEXTS];
}

socklen_t address_of(const char *text, struct sockaddr_storage *ret)
{
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
        char host[TEXT_SIZE];
        const char *colon = strrchr(text, ':');
        const bool ipv6 = *text == '[';

        memset(ret, 0, sizeof(*ret));
        snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2 * ipv6, text + ipv6);
        if (ipv6) {
                in6->sin6_family = AF_INET6;
                in6->sin6_port = htons((uint16_t)atoi(colon + 1));
                need(inet_pton(AF_INET6, host, &in6->sin6_addr) == 1, text);
                return sizeof(*in6);
        }

        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)atoi(colon + 1));
        need(inet_pton(AF_INET, host, &in->sin_addr) == 1, text);
        return sizeof(*in);
}

const char *address_text(const struct sockaddr *address)
{
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        char *text = next_text(), host[INET6_ADDRSTRLEN];

        switch (address->sa_family) {
        case AF_UNIX:
                return "unix";
        case AF_INET:
                inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
                snprintf(text, TEXT_SIZE, "%s:%u", host, ntohs(in->sin_port));
                return text;
        case AF_INET6:
                inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
                snprintf(text, TEXT_SIZE, "[%s]:%u", host, ntohs(in6->sin6_port));
                return text;
        }

        snprintf(text, TEXT_SIZE, "family %d", address->sa_family);
        return text;
}

int socket_for(const char *address, int type)
{
        return socket(*address == '[' ? AF_INET6 : AF_INET, type, 0);
}

int bind_to(int fd, const char *address)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of(address, &storage);

        return bind(fd, (struct sockaddr *)&storage, length) < 0 ? errno : 0;
}

int connect_to(int fd, const char *address)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of(address, &storage);

        return connect(fd, (struct sockaddr *)&storage, length) < 0 ? errno : 0;
}

int listen_at(const char *address)
{
        const int fd = socket_for(address, SOCK_STREAM | SOCK_CLOEXEC);
        int r;

        need(fd >= 0, "socket");
        r = bind_to(fd, address);
        errno = r;
        need(r == 0, address);
        need(listen(fd, 16) == 0, "listen");
        return fd;
}

const char *local_name(int fd)
{
        struct sockaddr_storage storage = {0};
        socklen_t length = sizeof(storage);

        if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0)
                return strerrorname_np(errno);

        return address_text((struct sockaddr *)&storage);
}

const char *peer_name(int fd)
{
        struct sockaddr_storage storage = {0};
        socklen_t length = sizeof(storage);

        if (getpeername(fd, (struct sockaddr *)&storage, &length) < 0)
                return strerrorname_np(errno);

        return address_text((struct sockaddr *)&storage);
}

int option(int fd, int level, int name)
{
        int value = 0;
        socklen_t length = sizeof(value);

        return getsockopt(fd, level, name, &value, &length) < 0 ? -errno : value;
}

int set_option(int fd, int level, int name, int value)
{
        return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? errno : 0;
}

bool readable(int fd, int milliseconds)
{
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        int n;

        do
                n = poll(&pollfd, 1, milliseconds);
        while (n < 0 && errno == EINTR);
        return n > 0;
}

bool is_local_peer(const char *text, int family)
{
        const char *host = family == AF_INET6 ? "[::1]:" : "127.0.0.1:";
        int port;

        if (strncmp(text, host, strlen(host)) != 0)
                return false;

        port = atoi(text + strlen(host));
        return port >= 32768 && port <= 60999;
}

const char *passed(int place)
{
        const char *list = getenv("TEST_SOCKETS");
        char *text = next_text();

        for (; list && *list && place > 0; place--) {
                list += strcspn(list, "|");
                list += *list == '|';
        }
        if (!list || !*list)
                return NULL;

        snprintf(text, TEXT_SIZE, "%.*s", (int)strcspn(list, "|"), list);
        return text;
}

bool is_activated(void)
{
        return getenv("TEST_PASSED") != NULL;
}

bool under_rules(void)
{
        return getenv("TEST_BARE") == NULL;
}

static socklen_t unix_address(const char *text, struct sockaddr_storage *ret)
{
        struct sockaddr_un *un = (struct sockaddr_un *)ret;

        memset(ret, 0, sizeof(*ret));
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, text);
        if (*text != '@')
                return sizeof(*un);

        un->sun_path[0] = 0;
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text));
}

int client(int place, int listener)
{
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);
        const char *text = passed(place);
        int fd;

        if (!text)
                need(getsockname(listener, (struct sockaddr *)&storage, &length) == 0,
                     "getsockname");
        else if (*text == '/' || *text == '@')
                length = unix_address(text, &storage);
        else
                length = address_of(text, &storage);

        fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        need(fd >= 0, "socket of a client");
        need(connect(fd, (struct sockaddr *)&storage, length) == 0, "connect of a client");
        return fd;
}

int accept_client(int place, int listener, int *ret_client)
{
        const int theirs = client(place, listener);
        int ours;

        need(readable(listener, PATIENCE), "a client that can be accepted");
        ours = accept(listener, NULL, NULL);
        need(ours >= 0, "accept");
        if (ret_client)
                *ret_client = theirs;
        else
                close(theirs);
        return ours;
}

bool serves(int place, int listener)
{
        const int theirs = client(place, listener);
        char byte = 0;
        bool good = false;

        if (readable(listener, PATIENCE)) {
                const int ours = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

                good = ours >= 0 && send(theirs, "a", 1, MSG_NOSIGNAL) == 1 &&
                       recv(ours, &byte, 1, 0) == 1 && byte == 'a' &&
                       send(ours, "b", 1, MSG_NOSIGNAL) == 1 && recv(theirs, &byte, 1, 0) == 1 &&
                       byte == 'b';
                if (ours >= 0)
                        close(ours);
        }
        close(theirs);
        return good;
}

const char *messages(void)
{
        static char text[BIG];
        const char *path = getenv("TEST_STDERR");
        ssize_t n = 0;
        int fd;

        fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0) {
                n = read(fd, text, sizeof(text) - 1);
                close(fd);
        }
        text[n > 0 ? n : 0] = 0;
        return text;
}

int reap(int pid)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                need(errno == EINTR, "waitpid");

        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

const char *reap_output(int pid, int fd)
{
        static char text[BIG];
        size_t length = 0;
        ssize_t n;

        while (length < sizeof(text) - 1 &&
               (n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
                length += (size_t)n;
        close(fd);
        (void)reap(pid);
        if (length > 0 && text[length - 1] == '\n')
                length--;
        text[length] = 0;
        return text;
}

bool can_unshare_network(void)
{
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid == 0)
                _exit(unshare(CLONE_NEWNET) < 0);
        return reap(pid) == 0;
}

void send_descriptor(int channel, int fd)
{
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        struct iovec iovec = {(char *)"f", 1};
        struct msghdr msg = {.msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
        need(sendmsg(channel, &msg, 0) == 1, "sendmsg");
}

int receive_descriptor(int channel)
{
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        char byte;
        struct iovec iovec = {&byte, 1};
        struct msghdr msg = {.msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
        int fd = -1;

        if (recvmsg(channel, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
                memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
        return fd;
}
