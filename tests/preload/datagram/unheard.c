/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A stranger sends to a client again and again: who waits with a time-out waits no longer for it.
 * Under rules alone. argv: the address of a server.
 */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* In milliseconds. A client that has asked for so long without an answer hears from elsewhere. */
#define UNANSWERED 350
#define TIMEOUT    300

static struct sockaddr_un name;
static socklen_t length;
static _Atomic int taken;
static _Atomic bool stopped;

static void *send_often(void *unused)
{
        const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        while (!atomic_load(&stopped)) {
                if (sendto(fd, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&name, length) == 1)
                        atomic_fetch_add(&taken, 1);
                usleep(10000);
        }

        close(fd);
        return unused;
}

static int asking_client(const char *address)
{
        const int fd = udp_socket(address);

        for (int i = 0; i < 3; i++) {
                need(strcmp(say(fd, address, "?"), "sent") == 0, "a question");
                usleep(UNANSWERED * 1000);
        }
        need(strcmp(say(fd, address, "?"), "sent") == 0, "a question");
        need(udp_real_name(fd, &name, &length), "a Unix socket");
        return fd;
}

static ssize_t by_recv(int fd)
{
        char byte;

        return recv(fd, &byte, 1, 0);
}

static ssize_t by_recvmsg(int fd)
{
        char byte;
        struct iovec iovec = {&byte, 1};
        struct msghdr msg = {.msg_iov = &iovec, .msg_iovlen = 1};

        return recvmsg(fd, &msg, 0);
}

static void check_timeout(int fd, ssize_t (*receive)(int fd), const char *what)
{
        const double start = milliseconds();
        const int before = atomic_load(&taken);

        errno = 0;
        same(receive(fd), -1, "%s: nothing is heard", what);
        same(errno, EAGAIN, "%s: the time is over", what);
        ok(milliseconds() - start > TIMEOUT * 0.9, "%s: it was waited for", what);
        ok(milliseconds() - start < PATIENCE, "%s: but not for ever", what);
        ok(atomic_load(&taken) > before, "%s: while somebody was sending", what);
}

int main(int argc, char **argv)
{
        const struct timeval timeout = {0, TIMEOUT * 1000};
        pthread_t thread;
        int fd, server;

        need(argc == 2, "an address");
        server = udp_at(argv[1]);
        fd = asking_client(argv[1]);
        need(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0, "a time-out");
        need(pthread_create(&thread, NULL, send_often, NULL) == 0, "a thread");
        check_timeout(fd, by_recv, "recv");
        check_timeout(fd, by_recvmsg, "recvmsg");
        atomic_store(&stopped, true);
        pthread_join(thread, NULL);
        close(server);
        return tap_end();
}
