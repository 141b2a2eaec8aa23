/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Threads that wait for datagrams, and are cancelled, or whose socket is closed meanwhile and its
 * number given to something else. The calls stay cancellation points, and what they leave behind
 * works. argv: the address.
 */

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

static int server;
static char peer[64];

/* What a receiving call got. */
static struct {
        struct sockaddr_storage from;
        ssize_t n;
        int number;
} got;

static void *by_recvfrom(void *fd)
{
        socklen_t length = sizeof(got.from);
        char bytes[8];

        got.n = recvfrom(*(int *)fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&got.from,
                         &length);
        got.number = errno;
        return NULL;
}

static void *by_recv(void *fd)
{
        char bytes[8];

        got.n = recv(*(int *)fd, bytes, sizeof(bytes), 0);
        got.number = errno;
        return NULL;
}

static void *by_read(void *fd)
{
        char bytes[8];

        got.n = read(*(int *)fd, bytes, sizeof(bytes));
        got.number = errno;
        return NULL;
}

static void *by_recvmsg(void *fd)
{
        char bytes[8];
        struct iovec iovec = {bytes, sizeof(bytes)};
        struct msghdr msg = {.msg_name = &got.from,
                             .msg_namelen = sizeof(got.from),
                             .msg_iov = &iovec,
                             .msg_iovlen = 1};

        got.n = recvmsg(*(int *)fd, &msg, 0);
        got.number = errno;
        return NULL;
}

static void *by_recvmmsg(void *fd)
{
        char bytes[8];
        struct iovec iovec = {bytes, sizeof(bytes)};
        struct mmsghdr messages[1] = {{{&got.from, sizeof(got.from), &iovec, 1, NULL, 0, 0}, 0}};

        got.n = recvmmsg(*(int *)fd, messages, 1, 0, NULL) == 1 ? (ssize_t)messages[0].msg_len : -1;
        got.number = errno;
        return NULL;
}

static const struct {
        const char *name;
        void *(*function)(void *);
        bool tells_address;
} receivers[] = {
        {"recvfrom", by_recvfrom, true}, {"recv", by_recv, false},        {"read", by_read, false},
        {"recvmsg", by_recvmsg, true},   {"recvmmsg", by_recvmmsg, true},
};

#define RECEIVERS (sizeof(receivers) / sizeof(receivers[0]))

static pthread_t start(void *(*function)(void *), int *fd)
{
        pthread_t thread;

        memset(&got, 0, sizeof(got));
        need(pthread_create(&thread, NULL, function, fd) == 0, "pthread_create");
        until_threads_wait(1);
        return thread;
}

/* The socket still serves. */
static void check_serves(int client, const char *what)
{
        client_says(client, "ask");
        is(server_hears(server, peer), "ask", "%s: the server hears", what);
        same(server_says(server, peer, "yes"), 0, "%s: it answers", what);
        is(client_hears(client), "yes", "%s: the client hears that", what);
}

#ifdef SANITIZED

static void check_cancel(int client)
{
        (void)client;
        skip("cancellation", "sanitizers lose count of what was on a cancelled thread's stack");
}

#else

static int sent;

static void *send_cancelled(void *fd)
{
        pthread_cancel(pthread_self());
        sent = server_says(*(int *)fd, peer, "no");
        return NULL;
}

/* sendto(2) is a point at which a thread ends that is to end: nothing is sent. */
static void check_cancel_send(int client)
{
        pthread_t thread;
        void *result = NULL;

        sent = -1;
        need(pthread_create(&thread, NULL, send_cancelled, &server) == 0, "pthread_create");
        pthread_join(thread, &result);
        ok(result == PTHREAD_CANCELED, "sendto: it was cancelled");
        same(sent, -1, "sendto: it did not return");
        check_serves(client, "sendto");
}

static void check_cancel(int client)
{
        for (size_t i = 0; i < RECEIVERS; i++) {
                pthread_t thread = start(receivers[i].function, &server);
                void *result = NULL;

                same(pthread_cancel(thread), 0, "%s: cancel", receivers[i].name);
                pthread_join(thread, &result);
                ok(result == PTHREAD_CANCELED, "%s: it was cancelled", receivers[i].name);
                check_serves(client, receivers[i].name);
        }
        check_cancel_send(client);
}

#endif

/*
 * The kernel keeps a socket for the call that is under way, though its number means another one
 * already. What the call then gets is as it would have been.
 */
static void check_close(const char *address, const char *name, void *(*function)(void *),
                        bool tells_address)
{
        const int client = new_client("closing");
        int ends[2], number = server;
        pthread_t thread;

        check_serves(client, name);
        need(client_joins(client), "connect of a client");
        thread = start(function, &number);
        same(close(server), 0, "%s: the socket is closed that it waits on", name);
        need(pipe(ends) == 0, "pipe");
        if (ends[0] != number)
                need(dup2(ends[0], number) == number, "dup2");
        need(send(client, "late", 4, 0) == 4, "send of a client");
        pthread_join(thread, NULL);
        same(got.n, 4, "%s: it gets what comes nevertheless", name);
        if (tells_address)
                is(address_text((struct sockaddr *)&got.from), peer, "%s: and from whom", name);
        is(local_name(number), "ENOTSOCK", "%s: the number is something else", name);

        if (ends[0] != number)
                close(ends[0]);
        close(ends[1]);
        close(number);
        close(client);
        server = serve_datagrams(address, 0);
}

/* errno stays what it was when a call succeeds. */
#define KEEPS_ERRNO(call)                                                                          \
        do {                                                                                       \
                bool good;                                                                         \
                errno = ELNRNG;                                                                    \
                good = (call) >= 0;                                                                \
                ok(good &&errno == ELNRNG, "errno is kept by %s", #call);                          \
        } while (0)

static void check_errno(const char *address)
{
        struct sockaddr_storage storage, from;
        socklen_t length = address_of(address, &storage), from_length = sizeof(from);
        const int client = new_client("errno");
        char byte = 0;
        int fd = -1;

        close(server);
        KEEPS_ERRNO(fd = socket(storage.ss_family, SOCK_DGRAM, 0));
        KEEPS_ERRNO(bind(fd, (struct sockaddr *)&storage, length));
        client_says(client, "12");
        client_says(client, "3");
        KEEPS_ERRNO(recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&from, &from_length));
        KEEPS_ERRNO(sendto(fd, &byte, 1, 0, (struct sockaddr *)&from, from_length));
        KEEPS_ERRNO(connect(fd, (struct sockaddr *)&from, from_length));
        KEEPS_ERRNO(getpeername(fd, (struct sockaddr *)&from, &from_length));
        KEEPS_ERRNO(send(fd, &byte, 1, 0));
        KEEPS_ERRNO(write(fd, &byte, 1));
        KEEPS_ERRNO(read(fd, &byte, 1));
        from.ss_family = AF_UNSPEC;
        KEEPS_ERRNO(connect(fd, (struct sockaddr *)&from, from_length));
        KEEPS_ERRNO(getsockname(fd, (struct sockaddr *)&from, &from_length));
        KEEPS_ERRNO(close(fd));
        close(client);
}

int main(int argc, char **argv)
{
        int client;

        need(argc == 2, "an address");
        server = serve_datagrams(argv[1], 0);
        client = new_client("client");
        check_serves(client, "at first");
        check_cancel(client);
        /* The thread sanitizer rightly calls it a race, which is what this is about. */
        for (size_t i = 0; i < RECEIVERS && !SANITIZED_THREAD; i++)
                check_close(argv[1], receivers[i].name, receivers[i].function,
                            receivers[i].tells_address);
        check_errno(argv[1]);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
