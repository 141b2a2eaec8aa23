/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waiting for datagrams, and not waiting: flags, timeouts, poll, select and epoll, made before the
 * socket was bound and after. Run bare too. argv: "server" or "client", which end is tested, and
 * the address of the server.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"
#include "tests/preload/waits.h"

#define MANY 5

/* How long recvmmsg(2) is given, in milliseconds. */
#define GIVEN 1000

static const char *address;
static bool is_server;
static int ours, theirs;

/* Both ends, and who may answer whom. prepare() is called before ours is bound or connected. */
static void open_both(int flags, void (*prepare)(void))
{
        if (!is_server)
                theirs = udp_server(address);
        ours = socket_for(address, SOCK_DGRAM | SOCK_CLOEXEC | flags);
        need(ours >= 0, "socket");
        if (prepare)
                prepare();
        errno = is_server ? bind_to(ours, address) : connect_to(ours, address);
        need(errno == 0, address);
        if (is_server)
                theirs = udp_client(address);
        else
                need(strcmp(say(ours, NULL, "hello"), "sent") == 0 &&
                             strcmp(hear(theirs), "hello") == 0,
                     "a server that knows its client");
}

static void close_both(void)
{
        close(ours);
        close(theirs);
}

/* From theirs to ours. */
static void give(const char *text)
{
        const char *what = is_server ? say(theirs, NULL, text) : answer(theirs, text);

        need(strcmp(what, "sent") == 0, what);
}

static const char *got(int flags)
{
        static char bytes[64];
        const ssize_t n = recv(ours, bytes, sizeof(bytes) - 1, flags);

        if (n < 0)
                return strerrorname_np(errno);

        bytes[n] = 0;
        return bytes;
}

static void check_no_wait(int flags, int when, const char *what)
{
        struct mmsghdr message = {{.msg_iov = &(struct iovec){NULL, 0}, .msg_iovlen = 1}, 0};
        char byte;

        is(got(when), "EAGAIN", "%s: recv", what);
        is(result(recvfrom(ours, &byte, 1, when, NULL, NULL)), "EAGAIN", "%s: recvfrom", what);
        is(result(recvmsg(ours, &message.msg_hdr, when)), "EAGAIN", "%s: recvmsg", what);
        is(result(recvmmsg(ours, &message, 1, when, NULL)), "EAGAIN", "%s: recvmmsg", what);
        is(result(recvmmsg(ours, &message, 1, when | MSG_WAITFORONE, NULL)), "EAGAIN",
           "%s: recvmmsg for one", what);
        if (flags & SOCK_NONBLOCK)
                is(result(read(ours, &byte, 1)), "EAGAIN", "%s: read", what);
        give("now");
        need(readable(ours, PATIENCE), "a datagram");
        is(got(when), "now", "%s: what is there is got", what);
}

static void check_flags(void)
{
        int no = 0, yes = 1;

        open_both(0, NULL);
        check_no_wait(0, MSG_DONTWAIT, "MSG_DONTWAIT");
        ok(!(fcntl(ours, F_GETFL) & O_NONBLOCK), "blocking");
        need(fcntl(ours, F_SETFL, O_NONBLOCK) == 0, "F_SETFL");
        check_no_wait(SOCK_NONBLOCK, 0, "F_SETFL");
        need(ioctl(ours, FIONBIO, &no) == 0, "FIONBIO");
        ok(!(fcntl(ours, F_GETFL) & O_NONBLOCK), "blocking again");
        need(ioctl(ours, FIONBIO, &yes) == 0, "FIONBIO");
        check_no_wait(SOCK_NONBLOCK, 0, "FIONBIO");
        close_both();
        open_both(SOCK_NONBLOCK, NULL);
        ok(fcntl(ours, F_GETFL) & O_NONBLOCK, "SOCK_NONBLOCK holds");
        same(fcntl(ours, F_GETFD), FD_CLOEXEC, "and SOCK_CLOEXEC");
        check_no_wait(SOCK_NONBLOCK, 0, "SOCK_NONBLOCK");
        close_both();
}

static void set_timeouts(void)
{
        const struct timeval timeout = {0, 100000};

        need(setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
                     setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0,
             "timeouts");
}

/* So long something took, or longer on a machine that is busy. */
static void check_time(double start, int least, const char *what)
{
        const double took = milliseconds() - start;

        ok(took >= least - 2 && took < PATIENCE, "%s: %d ms, not %.0f", what, least, took);
}

static void check_timeouts(void (*prepare)(void), const char *what)
{
        struct timeval timeout = {0, 0};
        socklen_t length = sizeof(timeout);
        double start;
        char byte;

        open_both(0, prepare);
        if (!prepare)
                set_timeouts();
        same(getsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &timeout, &length), 0, "%s: SO_RCVTIMEO",
             what);
        same(timeout.tv_usec, 100000, "%s: is what was set", what);
        start = milliseconds();
        is(got(0), "EAGAIN", "%s: recv ends", what);
        check_time(start, 100, what);
        start = milliseconds();
        is(result(recvmsg(ours, &(struct msghdr){0}, 0)), "EAGAIN", "%s: recvmsg ends", what);
        check_time(start, 100, what);
        start = milliseconds();
        is(result(read(ours, &byte, 1)), "EAGAIN", "%s: read ends", what);
        check_time(start, 100, what);
        give("then");
        is(got(0), "then", "%s: what comes is got", what);
        close_both();
}

static struct mmsghdr batch[MANY];
static struct iovec iovecs[MANY];
static char buffers[MANY][16];

static void reset_batch(void)
{
        memset(buffers, 0, sizeof(buffers));
        for (int i = 0; i < MANY; i++) {
                iovecs[i] = (struct iovec){buffers[i], sizeof(buffers[i])};
                batch[i] = (struct mmsghdr){{.msg_iov = &iovecs[i], .msg_iovlen = 1}, 0};
        }
}

/* Each comes when the one before has been taken, and more is waited for. */
static void *give_slowly(void *text)
{
        for (const char *c = text; *c; c++) {
                until_threads_wait(1);
                give((char[]){*c, 0});
        }
        return NULL;
}

/* One comes in the time that is given, and one when it is over. */
static void *give_too_slowly(void *argument)
{
        until_threads_wait(1);
        give("m");
        until_threads_wait(1);
        usleep(GIVEN * 1000);
        give("n");
        return argument;
}

/* recvmmsg(2): waits for all, for one, or until a time that it looks at after each. */
static void check_recvmmsg(void)
{
        struct timespec timeout = {GIVEN / 1000, GIVEN % 1000 * 1000000};
        pthread_t thread;

        open_both(0, NULL);
        for (int i = 0; i < 3; i++)
                give((char[]){(char)('a' + i), 0});
        reset_batch();
        same(recvmmsg(ours, batch, MANY, MSG_DONTWAIT, NULL), 3, "recvmmsg(MSG_DONTWAIT)");
        ok(!strcmp(buffers[0], "a") && !strcmp(buffers[1], "b") && !strcmp(buffers[2], "c"),
           "three, in their order");
        same(batch[2].msg_len, 1, "with their lengths");
        for (int i = 0; i < 3; i++)
                give((char[]){(char)('a' + i), 0});
        reset_batch();
        same(recvmmsg(ours, batch, 2, 0, NULL), 2, "recvmmsg of two");
        same(recvmmsg(ours, batch, MANY, MSG_WAITFORONE, NULL), 1, "of one that is left");

        need(pthread_create(&thread, NULL, give_slowly, (char *)"xyz") == 0, "a thread");
        reset_batch();
        same(recvmmsg(ours, batch, 3, 0, NULL), 3, "recvmmsg waits for all");
        ok(!strcmp(buffers[0], "x") && !strcmp(buffers[2], "z"), "which come one by one");
        pthread_join(thread, NULL);

        need(pthread_create(&thread, NULL, give_too_slowly, NULL) == 0, "a thread");
        reset_batch();
        same(recvmmsg(ours, batch, MANY, 0, &timeout), 2,
             "recvmmsg with a timeout ends with the first that comes after it");
        ok(!strcmp(buffers[0], "m") && !strcmp(buffers[1], "n"), "and has both");
        pthread_join(thread, NULL);
        timeout = (struct timespec){0, 2000000000};
        is(result(recvmmsg(ours, batch, MANY, 0, &timeout)), "EINVAL", "a wrong timeout");
        same(recvmmsg(ours, batch, 0, MSG_DONTWAIT, NULL), 0, "recvmmsg of none");
        close_both();
}

static void *give_later(void *text)
{
        until_threads_wait(1);
        give(text);
        return NULL;
}

/* A call that waits is woken, and by a signal too. */
static void check_blocking(void)
{
        struct timeval patience = {PATIENCE / 1000, 0};
        pthread_t thread;
        fd_set set;

        open_both(0, NULL);
        need(pthread_create(&thread, NULL, give_later, (char *)"woken") == 0, "a thread");
        is(got(0), "woken", "recv waits");
        pthread_join(thread, NULL);
        need(pthread_create(&thread, NULL, give_later, (char *)"woken") == 0, "a thread");
        is(events_of(ours, 0), "OUT", "poll: nothing to read");
        ok(readable(ours, PATIENCE), "poll waits");
        is(events_of(ours, 0), "IN OUT", "poll: something to read");
        pthread_join(thread, NULL);
        is(got(0), "woken", "which is got");
        need(pthread_create(&thread, NULL, give_later, (char *)"woken") == 0, "a thread");
        FD_ZERO(&set);
        FD_SET(ours, &set);
        same(select(ours + 1, &set, NULL, NULL, &patience), 1, "select waits");
        pthread_join(thread, NULL);
        is(got(0), "woken", "which is got");
        close_both();
}

static _Atomic int signals;

static void count(int number)
{
        (void)number;
        signals++;
}

static void *interrupt(void *waiting)
{
        until_threads_wait(1);
        need(pthread_kill(*(pthread_t *)waiting, SIGALRM) == 0, "pthread_kill");
        return NULL;
}

static void *interrupt_and_give(void *waiting)
{
        interrupt(waiting);
        /* The thread sanitizer runs the handler when the call has ended that the kernel restarts.
         */
        for (int i = 0; i < PATIENCE && signals == 0 && !SANITIZED_THREAD; i++)
                usleep(1000);
        return give_slowly((char *)".r");
}

static void check_interrupted(int flags)
{
        const struct sigaction action = {.sa_handler = count, .sa_flags = flags};
        pthread_t thread, self = pthread_self();

        open_both(0, NULL);
        signals = 0;
        need(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
        need(pthread_create(&thread, NULL, flags & SA_RESTART ? interrupt_and_give : interrupt,
                            &self) == 0,
             "a thread");
        if (flags & SA_RESTART) {
                is(got(0), ".", "recv goes on after a signal");
                is(got(0), "r", "and gets more");
        } else {
                is(got(0), "EINTR", "recv is interrupted by a signal");
        }
        pthread_join(thread, NULL);
        close_both();
}

static int epfd;
static unsigned epoll_events;

static void watch(void)
{
        struct epoll_event event = {epoll_events, {.u64 = 4711}};

        need(epoll_ctl(epfd, EPOLL_CTL_ADD, ours, &event) == 0, "EPOLL_CTL_ADD");
}

static void check_epoll(unsigned events, bool before, const char *what)
{
        struct epoll_event got_event = {0};

        epfd = epoll_create1(EPOLL_CLOEXEC);
        epoll_events = events;
        open_both(SOCK_NONBLOCK, before ? watch : NULL);
        if (!before)
                watch();
        same(epoll_wait(epfd, &got_event, 1, 20), 0, "%s: nothing", what);
        give("one");
        same(epoll_wait(epfd, &got_event, 1, PATIENCE), 1, "%s: a datagram", what);
        same(got_event.events, EPOLLIN, "%s: EPOLLIN", what);
        same((long long)got_event.data.u64, 4711, "%s: with its data", what);
        same(epoll_wait(epfd, &got_event, 1, 20), !(events & (EPOLLET | EPOLLONESHOT)),
             "%s: once more", what);
        give("two");
        same(epoll_wait(epfd, &got_event, 1, events & EPOLLONESHOT ? 20 : PATIENCE),
             !(events & EPOLLONESHOT), "%s: another", what);
        is(got(0), "one", "%s: the first", what);
        is(got(0), "two", "%s: the second", what);
        is(got(0), "EAGAIN", "%s: and no more", what);
        same(epoll_wait(epfd, &got_event, 1, 20), 0, "%s: nothing", what);
        same(epoll_ctl(epfd, EPOLL_CTL_DEL, ours, NULL), 0, "%s: EPOLL_CTL_DEL", what);
        give("three");
        same(epoll_wait(epfd, &got_event, 1, 20), 0, "%s: nothing then", what);
        is(got(0), "three", "%s: though it came", what);
        close_both();
        close(epfd);
}

static void check_epolls(void)
{
        check_epoll(EPOLLIN, false, "level");
        check_epoll(EPOLLIN, true, "level, before");
        check_epoll(EPOLLIN | EPOLLET, false, "edge");
        check_epoll(EPOLLIN | EPOLLET, true, "edge, before");
        check_epoll(EPOLLIN | EPOLLONESHOT, true, "once, before");
}

static void ask_for_signals(void)
{
        need(fcntl(ours, F_SETOWN, getpid()) == 0 && fcntl(ours, F_SETSIG, SIGUSR1) == 0 &&
                     fcntl(ours, F_SETFL, O_ASYNC | O_NONBLOCK) == 0,
             "O_ASYNC");
}

static void check_signals(void)
{
        signal(SIGUSR1, count);
        open_both(0, ask_for_signals);
        signals = 0;
        give("signal");
        for (int i = 0; i < PATIENCE && signals == 0; i++)
                usleep(1000);
        ok(signals > 0, "a signal tells of a datagram");
        is(got(0), "signal", "which is got");
        close_both();
        signal(SIGUSR1, SIG_IGN);
}

int main(int argc, char **argv)
{
        need(argc == 3, "which end, and an address");
        is_server = strcmp(argv[1], "server") == 0;
        address = argv[2];
        check_flags();
        check_timeouts(NULL, "timeout");
        check_timeouts(set_timeouts, "timeout, before");
        check_recvmmsg();
        check_blocking();
        check_interrupted(0);
        check_interrupted(SA_RESTART);
        check_epolls();
        check_signals();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
