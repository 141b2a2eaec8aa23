/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exchanges of datagrams. See udp.h. */

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static struct sockaddr_storage last;
static socklen_t last_length;

const char *udp_file(const char *address)
{
        char name[32];

        snprintf(name, sizeof(name), "udp-%d.sock", port_in(address));
        return in_directory(name);
}

bool udp_native(const char *who)
{
        const char *native = getenv("TEST_NATIVE");

        return native && strcmp(native, who) == 0;
}

int udp_socket(const char *address)
{
        const int fd = socket_for(address, SOCK_DGRAM | SOCK_CLOEXEC);

        need(fd >= 0, "socket");
        return fd;
}

int udp_at(const char *address)
{
        const int fd = udp_socket(address);

        errno = bind_to(fd, address);
        need(errno == 0, address);
        return fd;
}

int udp_to(const char *address)
{
        const int fd = udp_socket(address);

        errno = connect_to(fd, address);
        need(errno == 0, address);
        return fd;
}

int udp_server(const char *address)
{
        return udp_native("server") ? serve_unix(udp_file(address), SOCK_DGRAM, 0)
                                    : udp_at(address);
}

bool udp_real_name(int fd, struct sockaddr_un *ret, socklen_t *ret_length)
{
        char line[512], abstract[108] = "";
        unsigned long inode;
        FILE *list = fopen("/proc/self/net/unix", "re");
        struct stat st;

        need(list != NULL && fstat(fd, &st) == 0, "the list of sockets");
        while (!*abstract && fgets(line, sizeof(line), list))
                if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu @%107s", &inode, abstract) < 1 ||
                    inode != st.st_ino)
                        *abstract = 0;
        fclose(list);

        *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(ret->sun_path + 1, abstract, strlen(abstract));
        *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract));
        return *abstract;
}

/* path: or "@" and an abstract name. The client has a name as well, which the kernel chooses. */
int udp_native_client(const char *path)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        socklen_t length = sizeof(un);

        need(fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t)) == 0, "autobind");
        strcpy(un.sun_path, path);
        if (*path == '@') {
                un.sun_path[0] = 0;
                length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
        }
        need(connect(fd, (struct sockaddr *)&un, length) == 0, path);
        return fd;
}

int udp_passed_client(int place)
{
        const char *at = passed(place);

        need(at != NULL, "a passed socket of that place");
        return *at == '/' || *at == '@' ? udp_native_client(at) : udp_to(at);
}

int udp_client(const char *address)
{
        return udp_native("client") ? udp_native_client(udp_file(address)) : udp_to(address);
}

static const char *sent(ssize_t n, const char *text)
{
        return n == (ssize_t)strlen(text) ? "sent" : result(n);
}

const char *say(int fd, const char *address, const char *text)
{
        struct sockaddr_storage storage;
        socklen_t length;

        if (!address)
                return sent(send(fd, text, strlen(text), MSG_NOSIGNAL), text);

        length = address_of(address, &storage);
        return sent(
                sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&storage, length),
                text);
}

static const char *hear_within(int fd, int timeout)
{
        static __thread char bytes[8][1024];
        static __thread unsigned turn;
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        char *text = bytes[turn++ % 8];
        ssize_t n;

        if (poll(&pollfd, 1, timeout) == 0)
                return "nothing";

        last_length = sizeof(last);
        memset(&last, 0, sizeof(last));
        n = recvfrom(fd, text, sizeof(bytes[0]) - 1, MSG_DONTWAIT, (struct sockaddr *)&last,
                     &last_length);
        if (n < 0)
                return strerrorname_np(errno);

        text[n] = 0;
        return text;
}

const char *hear(int fd)
{
        return hear_within(fd, PATIENCE);
}

const char *hear_soon(int fd)
{
        return hear_within(fd, 50);
}

const char *heard_from(void)
{
        return last_length == 0 ? "none" : address_text((struct sockaddr *)&last);
}

const char *answer(int fd, const char *text)
{
        return sent(
                sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&last, last_length),
                text);
}

const char *exchange(int client, const char *address, int server)
{
        struct sockaddr_storage before;
        socklen_t length;
        const char *text;

        text = say(client, address, "ping");
        if (strcmp(text, "sent") != 0)
                return text;
        text = hear(server);
        if (strcmp(text, "ping") != 0)
                return text;
        text = answer(server, "pong");
        if (strcmp(text, "sent") != 0)
                return text;
        before = last;
        length = last_length;
        text = hear(client);
        last = before;
        last_length = length;
        return strcmp(text, "pong") == 0 ? "both ways" : text;
}

ssize_t receive_datagram(int fd, struct datagram *ret, int flags)
{
        struct iovec iovec = {ret->bytes, sizeof(ret->bytes)};
        struct msghdr msg = {.msg_name = &ret->from,
                             .msg_namelen = sizeof(ret->from),
                             .msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = ret->control,
                             .msg_controllen = sizeof(ret->control)};

        memset(&ret->from, 0, sizeof(ret->from));
        ret->length = recvmsg(fd, &msg, flags);
        ret->flags = msg.msg_flags;
        ret->from_length = msg.msg_namelen;
        ret->control_length = msg.msg_controllen;
        return ret->length;
}

void *udp_read_all(void *server)
{
        char byte;

        while (recv(*(int *)server, &byte, 1, 0) >= 0)
                ;
        return NULL;
}
