/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A datagram socket is closed by the C library's own close(2), which no preloaded library hears of,
 * as by a program that makes the system call itself: who sends there then is told so, and does not
 * try for ever. Run bare too. argv: the address of a server.
 */

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static int (*close_behind)(int fd);

static const char *send_first(int fd)
{
        return say(fd, address, "question");
}

static const char *connect_first(int fd)
{
        const int r = connect_to(fd, address);

        return r == 0 ? "connected" : strerrorname_np(r);
}

static const char *send_batch(int fd)
{
        struct sockaddr_storage storage;
        struct mmsghdr message = {
                .msg_hdr = {.msg_name = &storage, .msg_namelen = address_of(address, &storage)}};

        return result(sendmmsg(fd, &message, 1, 0));
}

/* first: only on a socket that has not sent yet. */
static const struct way {
        const char *name;
        const char *(*call)(int fd);
        bool first;
} ways[] = {
        {"sendto", send_first, false},
        {"sendmmsg", send_batch, false},
        {"connect", connect_first, true},
};

/* In a child, which is ended when it does not return. */
static void check(const struct way *way, bool sent)
{
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid == 0) {
                /* Who opens something for himself gets a number below, and not the socket's. */
                const int below = dup(STDERR_FILENO), fd = udp_socket(address);

                close(below);
                alarm(PATIENCE / 1000);
                if (sent && strcmp(send_first(fd), "sent") != 0)
                        _exit(2);
                if (close_behind(fd) != 0)
                        _exit(3);
                _exit(strcmp(way->call(fd), "EBADF") == 0 ? 0 : 1);
        }
        same(reap(pid), 0, "%s on a socket that %s says EBADF", way->name,
             sent ? "had sent" : "was new");
}

int main(int argc, char **argv)
{
        void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
        int server;

        need(argc == 2, "an address");
        address = argv[1];
        need(libc != NULL, "the C library");
        *(void **)&close_behind = dlsym(libc, "close");
        need(close_behind != NULL, "its close");
        server = udp_server(address);
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
                check(&ways[i], false);
                if (ways[i].first)
                        continue;
                check(&ways[i], true);
                is(hear(server), "question", "what it had sent is heard");
        }
        is(messages(), "", "nothing is printed");
        close(server);
        dlclose(libc);
        return tap_end();
}
