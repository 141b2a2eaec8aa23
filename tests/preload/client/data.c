/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What goes over a client's connection, by every call there is, and how it ends. Run bare too.
 * argv: the address.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define BIG (10 << 20)

static const char *address;
static int listener, ours, theirs;

static void new_connection(void)
{
        ours = join(listener, address, &theirs);
}

static void end_connection(void)
{
        close(ours);
        close(theirs);
}

static void give(const char *text)
{
        need(write(theirs, text, strlen(text)) == (ssize_t)strlen(text), "write");
        need(readable(ours, PATIENCE), "data");
}

/* What there is, up to size bytes, as a text. */
static const char *got(size_t size)
{
        static char bytes[256];
        const ssize_t n = recv(ours, bytes, size, MSG_DONTWAIT);

        if (n < 0)
                return strerrorname_np(errno);

        bytes[n] = 0;
        return bytes;
}

static void check_peek(void)
{
        char bytes[16] = "";
        int n = -1;

        new_connection();
        give("abcdef");
        same(recv(ours, bytes, 2, MSG_PEEK), 2, "MSG_PEEK");
        is(bytes, "ab", "tells the first bytes");
        same(recv(ours, bytes, 3, MSG_PEEK), 3, "MSG_PEEK again");
        is(bytes, "abc", "tells them again");
        same(ioctl(ours, FIONREAD, &n), 0, "FIONREAD");
        same(n, 6, "nothing was taken");
        is(got(10), "abcdef", "recv takes all");
        same(ioctl(ours, FIONREAD, &n), 0, "FIONREAD");
        same(n, 0, "says so");
        is(got(10), "EAGAIN", "MSG_DONTWAIT when there is nothing");
        end_connection();
}

/* MSG_TRUNC throws bytes of a TCP connection away without copying them: tcp(7). */
static void check_trunc(void)
{
        char bytes[128] = "-------";
        struct iovec iovec = {bytes, 2};
        struct msghdr msg = {.msg_iov = &iovec, .msg_iovlen = 1};
        struct mmsghdr message = {msg, 0};

        new_connection();
        give("abcdefghijklmnopqrstuvwxyz");
        same(recv(ours, bytes, 2, MSG_TRUNC), 2, "recv(MSG_TRUNC)");
        is(bytes, "-------", "leaves the buffer alone");
        is(got(1), "c", "and has discarded");
        same(recvfrom(ours, bytes, 2, MSG_TRUNC, NULL, NULL), 2, "recvfrom(MSG_TRUNC)");
        same(recvmsg(ours, &msg, MSG_TRUNC), 2, "recvmsg(MSG_TRUNC)");
        same(recvmmsg(ours, &message, 1, MSG_TRUNC, NULL), 1, "recvmmsg(MSG_TRUNC)");
        same(message.msg_len, 2, "so many bytes");
        same(recv(ours, NULL, 2, MSG_TRUNC), 2, "recv(MSG_TRUNC) without a buffer");
        is(bytes, "-------", "leave the buffer alone");
        is(got(1), "l", "and have discarded");
        same(recv(ours, bytes, 3, MSG_TRUNC | MSG_PEEK), 3, "MSG_TRUNC with MSG_PEEK");
        is(bytes, "-------", "leaves the buffer alone as well");
        same(recv(ours, bytes, 100, MSG_TRUNC), 14, "MSG_TRUNC of more than there is");
        is(got(1), "EAGAIN", "nothing is left");
        is(result(recv(ours, bytes, 5, MSG_TRUNC | MSG_DONTWAIT)), "EAGAIN",
           "MSG_TRUNC when there is nothing");
        close(theirs);
        same(recv(ours, bytes, 5, MSG_TRUNC), 0, "MSG_TRUNC at the end");
        close(ours);
}

/* A thread that writes one byte after the other. */
static void *write_slowly(void *text)
{
        for (const char *c = text; *c; c++) {
                need(write(theirs, c, 1) == 1, "write");
                usleep(5000);
        }
        return NULL;
}

static void check_waitall(void)
{
        char bytes[16] = "", text[] = "abcdefgh";
        struct iovec iovec[2] = {{bytes, 3}, {bytes + 3, 5}};
        struct msghdr msg = {.msg_iov = iovec, .msg_iovlen = 2};
        pthread_t thread;

        new_connection();
        need(pthread_create(&thread, NULL, write_slowly, text) == 0, "pthread_create");
        same(recv(ours, bytes, 8, MSG_WAITALL), 8, "MSG_WAITALL");
        is(bytes, text, "waits for all");
        pthread_join(thread, NULL);
        memset(bytes, 0, sizeof(bytes));
        need(pthread_create(&thread, NULL, write_slowly, text) == 0, "pthread_create");
        same(recvmsg(ours, &msg, MSG_WAITALL), 8, "recvmsg(MSG_WAITALL)");
        is(bytes, text, "waits for all");
        pthread_join(thread, NULL);
        give("ab");
        close(theirs);
        same(recv(ours, bytes, 8, MSG_WAITALL), 2, "MSG_WAITALL, and the end");
        close(ours);
}

/* Receiving calls tell of no sender, as TCP does, and of no control message. */
static void check_names_and_control(void)
{
        struct sockaddr_storage storage = {0};
        union {
                char bytes[256];
                struct cmsghdr align;
        } control = {0};
        char byte;
        struct iovec iovec = {&byte, 1};
        struct mmsghdr message = {
                {&storage, sizeof(storage), &iovec, 1, control.bytes, sizeof(control.bytes), 0}, 0};
        struct msghdr *msg = &message.msg_hdr;
        socklen_t length = sizeof(storage);

        new_connection();
        give("abcd");
        same(recvfrom(ours, &byte, 1, 0, (struct sockaddr *)&storage, &length), 1, "recvfrom");
        same(length, 0, "an address of no length");
        same(recvmsg(ours, msg, 0), 1, "recvmsg");
        same(msg->msg_namelen, 0, "an address of no length");
        same((long long)msg->msg_controllen, 0, "no control message");
        same(msg->msg_flags & ~MSG_CMSG_CLOEXEC, 0, "no flags");
        msg->msg_namelen = sizeof(storage);
        msg->msg_controllen = sizeof(control.bytes);
        same(recvmmsg(ours, &message, 1, MSG_DONTWAIT, NULL), 1, "recvmmsg");
        same(msg->msg_namelen, 0, "an address of no length");
        same((long long)msg->msg_controllen, 0, "no control message");
        same(storage.ss_family, 0, "nothing was filled in");
        is(result(recv(ours, &byte, 1, MSG_ERRQUEUE)), "EAGAIN", "MSG_ERRQUEUE");
        is(result(recvmsg(ours, msg, MSG_ERRQUEUE)), "EAGAIN", "recvmsg(MSG_ERRQUEUE)");
        is(got(4), "d", "the data are there");
        end_connection();
}

/* Descriptors that a peer sends are none of a TCP program's: it would never close them. */
static void check_descriptors(const char *call)
{
        union {
                char bytes[CMSG_SPACE(3 * sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        char bytes[4];
        struct iovec iovec = {(char *)"de", 2};
        struct msghdr msg = {.msg_iov = &iovec,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        const int fds[3] = {0, 1, 2};
        int before;
        ssize_t n;

        new_connection();
        before = count_open();
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(fds));
        memcpy(CMSG_DATA(cmsg), fds, sizeof(fds));
        same(sendmsg(theirs, &msg, 0), 2, "%s: sendmsg with descriptors", call);

        iovec.iov_base = bytes;
        msg.msg_controllen = sizeof(control.bytes);
        n = strcmp(call, "recvmsg") == 0 ? recvmsg(ours, &msg, 0)
            : strcmp(call, "read") == 0  ? read(ours, bytes, 2)
                                         : recv(ours, bytes, 2, 0);
        same(n, 2, "%s: the bytes arrive", call);
        if (strcmp(call, "recvmsg") == 0)
                ok(CMSG_FIRSTHDR(&msg) == NULL && !(msg.msg_flags & MSG_CTRUNC),
                   "%s: no control message", call);
        same(count_open(), before, "%s: no descriptor is left", call);
        end_connection();
}

static void check_vectors_and_files(void)
{
        struct iovec iovec[2] = {{(char *)"he", 2}, {(char *)"llo", 3}};
        const int file = memfd_create("file", MFD_CLOEXEC);
        char first[3] = "", second[4] = "";
        struct iovec into[2] = {{first, 2}, {second, 3}};
        int pipes[2];

        need(file >= 0 && write(file, "contents", 8) == 8 && pipe2(pipes, O_CLOEXEC) == 0, "files");
        new_connection();
        same(writev(theirs, iovec, 2), 5, "writev");
        same(readv(ours, into, 2), 5, "readv");
        ok(strcmp(first, "he") == 0 && strcmp(second, "llo") == 0, "both parts");
        same(sendfile(theirs, file, &(off_t){0}, 8), 8, "sendfile");
        need(readable(ours, PATIENCE), "data");
        is(got(20), "contents", "arrives");
        same(sendfile(ours, file, &(off_t){3}, 8), 5, "sendfile of the client");
        same(recv(theirs, second, 3, MSG_WAITALL), 3, "arrives");
        same(recv(theirs, second, 2, MSG_WAITALL), 2, "whole");
        need(write(pipes[1], "pipe", 4) == 4, "write");
        same(splice(pipes[0], NULL, theirs, NULL, 4, 0), 4, "splice into a connection");
        need(readable(ours, PATIENCE), "data");
        same(splice(ours, NULL, pipes[1], NULL, 4, 0), 4, "splice out of one");
        same(read(pipes[0], second, 3), 3, "read from the pipe");
        close(pipes[0]);
        close(pipes[1]);
        close(file);
        end_connection();
}

/* SIOCOUTQ counts what the peer has not read yet, or not acknowledged. */
static void check_queues(void)
{
        int n = -1;

        new_connection();
        same(ioctl(ours, SIOCOUTQ, &n), 0, "SIOCOUTQ");
        same(n, 0, "nothing is queued");
        same(ioctl(ours, SIOCINQ, &n), 0, "SIOCINQ");
        same(n, 0, "nothing is there");
        end_connection();
}

static void *echo(void *argument)
{
        static char bytes[1 << 16];
        ssize_t n;

        (void)argument;
        while ((n = read(theirs, bytes, sizeof(bytes))) > 0)
                for (ssize_t at = 0, m; at < n; at += m) {
                        m = write(theirs, bytes + at, (size_t)(n - at));
                        need(m > 0, "write of the echo");
                }
        need(n == 0, "the end of what is to be echoed");
        need(shutdown(theirs, SHUT_WR) == 0, "shutdown of the echo");
        return NULL;
}

static void *send_big(void *bytes)
{
        for (size_t at = 0; at < BIG;) {
                const ssize_t n = send(ours, (char *)bytes + at, BIG - at, MSG_NOSIGNAL);

                need(n > 0, "send");
                at += (size_t)n;
        }
        need(shutdown(ours, SHUT_WR) == 0, "shutdown");
        return NULL;
}

/* 10 MB both ways, the client's end first: rsync, ssh and HTTP/1.0 uploads end so. */
static void check_half_close(void)
{
        unsigned char *sent = malloc(BIG), *received = malloc(BIG + 1);
        pthread_t server, writer;
        size_t at = 0;
        ssize_t n;

        need(sent && received, "memory");
        for (size_t i = 0; i < BIG; i++)
                sent[i] = (unsigned char)(i * 2654435761u >> 13);
        new_connection();
        need(pthread_create(&server, NULL, echo, NULL) == 0 &&
                     pthread_create(&writer, NULL, send_big, sent) == 0,
             "threads");
        while (at <= BIG && (n = recv(ours, received + at, BIG + 1 - at, 0)) > 0)
                at += (size_t)n;
        pthread_join(writer, NULL);
        pthread_join(server, NULL);
        same((long long)at, BIG, "10 MB come back, and then the end");
        ok(memcmp(sent, received, BIG) == 0, "as they were sent");
        is(result(send(ours, "x", 1, MSG_NOSIGNAL)), "EPIPE", "send after shutdown");
        free(sent);
        free(received);
        end_connection();
}

static void check_shutdown(void)
{
        char byte;

        new_connection();
        same(shutdown(ours, SHUT_RD), 0, "shutdown(SHUT_RD)");
        same(recv(ours, &byte, 1, 0), 0, "recv says the end");
        same(send(ours, "x", 1, MSG_NOSIGNAL), 1, "send works");
        same(recv(theirs, &byte, 1, 0), 1, "and arrives");
        end_connection();

        new_connection();
        same(shutdown(ours, SHUT_WR), 0, "shutdown(SHUT_WR)");
        is(result(send(ours, "x", 1, MSG_NOSIGNAL)), "EPIPE", "send says EPIPE");
        same(recv(theirs, &byte, 1, 0), 0, "the peer sees the end");
        give("y");
        is(got(4), "y", "recv works");
        is(result(shutdown(ours, SHUT_WR)), "0", "shutdown again");
        end_connection();

        new_connection();
        same(shutdown(ours, SHUT_RDWR), 0, "shutdown(SHUT_RDWR)");
        same(recv(ours, &byte, 1, 0), 0, "recv says the end");
        is(result(send(ours, "x", 1, MSG_NOSIGNAL)), "EPIPE", "send says EPIPE");
        same(recv(theirs, &byte, 1, 0), 0, "the peer sees the end");
        same(option(ours, SOL_SOCKET, SO_DOMAIN), *address == '[' ? AF_INET6 : AF_INET,
             "SO_DOMAIN");
        end_connection();
}

/* The first write after the peer has gone may still work for TCP, the ones after that never. */
static void check_peer_closes(void)
{
        const char *events;
        char byte;

        new_connection();
        give("last");
        close(theirs);
        is(got(4), "last", "what was sent before the end arrives");
        same(recv(ours, &byte, 1, 0), 0, "and then the end");
        events = events_of(ours, PATIENCE);
        ok(strstr(events, "IN") && strstr(events, "RDHUP"), "poll tells of the end");
        (void)send(ours, "x", 1, MSG_NOSIGNAL);
        (void)poll(&(struct pollfd){.fd = ours}, 1, PATIENCE);
        is(result(send(ours, "x", 1, MSG_NOSIGNAL)), "EPIPE", "send says EPIPE");
        same(recv(ours, &byte, 1, 0), 0, "recv says the end again");
        close(ours);
}

/* Closed with data unread, or with SO_LINGER of 0: a TCP peer gets ECONNRESET. */
static void check_reset(void)
{
        const struct linger linger = {1, 0};
        char byte;

        new_connection();
        need(setsockopt(theirs, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0, "SO_LINGER");
        close(theirs);
        need(readable(ours, PATIENCE), "an end");
        /* A Unix socket can't be reset this way: the manual lists it. */
        is(result(recv(ours, &byte, 1, 0)), leads_to_unix() ? "0" : "ECONNRESET", "SO_LINGER of 0");
        close(ours);

        new_connection();
        need(write(ours, "unread", 6) == 6, "write");
        need(readable(theirs, PATIENCE), "data");
        close(theirs);
        need(readable(ours, PATIENCE), "an end");
        is(result(recv(ours, &byte, 1, 0)), "ECONNRESET", "closed with data unread");
        close(ours);

        new_connection();
        need(setsockopt(ours, SOL_SOCKET, SO_LINGER, &(struct linger){1, 1}, sizeof(linger)) == 0,
             "SO_LINGER");
        same(close(ours), 0, "close that lingers");
        same(recv(theirs, &byte, 1, 0), 0, "the peer sees the end");
        close(theirs);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        signal(SIGPIPE, SIG_IGN);
        listener = serve_at(address, 50);
        check_peek();
        check_trunc();
        check_waitall();
        check_names_and_control();
        check_descriptors("recvmsg");
        check_descriptors("recv");
        check_descriptors("read");
        check_vectors_and_files();
        check_queues();
        check_half_close();
        check_shutdown();
        check_peer_closes();
        check_reset();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
