/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Servers that are slow to accept, signals and cancellation while connect(2) waits. argv: an
 * address, and what to do:
 *
 *     full     a backlog that stays full: ETIMEDOUT after a moment, and never EAGAIN
 *     storm    500 connections at once against a slow server: all of them get through
 *     signals  a timer that interrupts: no connection is lost, and none that failed is left
 *     cancel   pthread_cancel: no descriptor is left
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define STORM   500
#define THREADS 10
#define FULL    20

static const char *address;
static int family;
static _Atomic int strange, served, timed_out;

static int new_socket(int flags)
{
        const int fd = socket(family, SOCK_STREAM | flags, 0);

        need(fd >= 0, "socket");
        return fd;
}

/* Connects until one finds no room. Returns how many did. */
static int fill(int *fds, int max)
{
        for (int n = 0; n < max; n++) {
                fds[n] = new_socket(0);
                if (connect_to(fds[n], address) != 0)
                        return n;
        }
        return max;
}

static void check_waits(int flags)
{
        const char *how = flags & SOCK_NONBLOCK ? "non-blocking" : "blocking";
        const int ours = new_socket(flags);
        const struct timeval timeout = {PATIENCE / 1000, 0};
        struct timeval after = {0, 0};
        socklen_t length = sizeof(after);
        const double start = milliseconds();
        double took;

        need(setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0, "timeout");
        same(try_to_reach(ours, address), ETIMEDOUT, "%s: ETIMEDOUT", how);
        took = milliseconds() - start;
        note("%s: took %.1f ms", how, took);
        ok(took >= 50 && took < PATIENCE / 2.0, "%s: after about 100 ms", how);
        is(peer_name(ours), "ENOTCONN", "%s: not connected", how);
        is(events_of(ours, 0), flags & SOCK_NONBLOCK ? "IN OUT HUP RDHUP" : "OUT HUP",
           "%s: polls as a TCP socket without connection", how);
        getsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &after, &length);
        same(after.tv_sec, timeout.tv_sec, "%s: SO_SNDTIMEO is as it was", how);
        same(fcntl(ours, F_GETFL) & O_NONBLOCK, flags & SOCK_NONBLOCK, "%s: O_NONBLOCK as well",
             how);
        close(ours);
}

/*
 * The server's socket is of the test's own making: a listener of the shim's has a backlog of
 * somaxconn, whatever the program asks for.
 */
static void check_full(void)
{
        const int listener = serve_unix(socket_file(address), SOCK_STREAM, 3);
        int fds[FULL], n, ours, before = count_open();

        n = fill(fds, FULL);
        need(n > 0 && n < FULL, "a full backlog");
        before += n + 1;
        check_waits(0);
        check_waits(SOCK_NONBLOCK);
        same(count_open(), before, "no descriptor is left");
        close(take(listener));
        ours = new_socket(SOCK_NONBLOCK);
        same(try_to_reach(ours, address), 0, "one was accepted, one gets through");
        is(peer_name(ours), address, "with a name");
}

static void *accept_slowly(void *argument)
{
        const int listener = *(int *)argument;

        while (served < STORM) {
                int ours;

                if (!readable(listener, PATIENCE))
                        break;
                usleep(200);
                ours = accept(listener, NULL, NULL);
                if (ours < 0)
                        break;
                served++;
                (void)!write(ours, "x", 1);
                close(ours);
        }
        return NULL;
}

static void count_result(int fd, int r)
{
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        char byte = 0;

        if (r != 0 && r != EINPROGRESS) {
                strange++;
                return;
        }
        if (poll(&pollfd, 1, PATIENCE) != 1 || recv(fd, &byte, 1, 0) != 1 || byte != 'x')
                timed_out++;
}

static void *connect_at_once(void *argument)
{
        const int flags = *(int *)argument;
        int fds[STORM / THREADS], results[STORM / THREADS];

        for (int i = 0; i < STORM / THREADS; i++) {
                fds[i] = new_socket(flags);
                results[i] = connect_to(fds[i], address);
        }
        for (int i = 0; i < STORM / THREADS; i++) {
                count_result(fds[i], results[i]);
                close(fds[i]);
        }
        return NULL;
}

static void check_storm(int flags)
{
        pthread_t server, threads[THREADS];
        int listener = serve_at(address, 5);
        const double start = milliseconds();

        served = strange = timed_out = 0;
        need(pthread_create(&server, NULL, accept_slowly, &listener) == 0, "pthread_create");
        for (int i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, connect_at_once, &flags) == 0,
                     "pthread_create");
        for (int i = 0; i < THREADS; i++)
                pthread_join(threads[i], NULL);
        pthread_join(server, NULL);
        note("%d served in %.0f ms", served, milliseconds() - start);
        same(strange, 0, "%s: no connect fails", flags ? "non-blocking" : "blocking");
        same(timed_out, 0, "each is served");
        same(served, STORM, "all of them");
        close(listener);
}

static void do_nothing(int number)
{
        (void)number;
}

/* A signal that comes while a connect is under way must lose nothing. */
static void check_signals(int flags)
{
        const struct sigaction action = {.sa_handler = do_nothing, .sa_flags = flags};
        const struct itimerval timer = {{0, 150}, {0, 150}}, stop = {0};
        int listener = serve_at(address, 5), wrong = 0, interrupted = 0, gone = 0;

        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &timer, NULL);
        for (int i = 0; i < 3000; i++) {
                const int ours = new_socket(i % 2 ? SOCK_NONBLOCK : 0);
                struct pollfd pollfd = {.fd = ours, .events = POLLOUT};
                int theirs, n, r = connect_to(ours, address);

                interrupted += r == EINTR;
                wrong += r != 0 && r != EINTR && r != EINPROGRESS;
                do
                        n = poll(&pollfd, 1, PATIENCE);
                while (n < 0 && errno == EINTR);
                do
                        theirs = accept(listener, NULL, NULL);
                while (theirs < 0 && errno == EINTR);
                gone += n != 1 || theirs < 0 || strcmp(peer_name(ours), address) != 0;
                close(theirs);
                close(ours);
        }
        setitimer(ITIMER_REAL, &stop, NULL);
        note("%d interrupted", interrupted);
        same(wrong, 0, "no other error than EINTR");
        same(gone, 0, "no connection is lost");
        ok(!readable(listener, 20), "and none is there twice");
        close(listener);
}

/* While a full backlog lets it wait, connect is interrupted, or waits on: no third thing. */
static void check_signals_full(void)
{
        const struct sigaction action = {.sa_handler = do_nothing};
        const struct itimerval timer = {{0, 3000}, {0, 3000}}, stop = {0};
        int fds[FULL], n, ours, theirs, r, listener;

        if (!under_rules())
                return;

        listener = serve_unix(socket_file(address), SOCK_STREAM, 3);
        n = fill(fds, FULL);
        ours = new_socket(0);
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &timer, NULL);
        r = connect_to(ours, address);
        setitimer(ITIMER_REAL, &stop, NULL);
        ok(r == EINTR || r == ETIMEDOUT, "a full backlog and signals: EINTR or ETIMEDOUT");
        if (r != EINTR && r != ETIMEDOUT)
                note("it is %s", strerrorname_np(r));
        for (; n > 0; n--) {
                theirs = take(listener);
                close(theirs);
        }
        r = connect_to(ours, address);
        ok(r == 0 || r == EISCONN || r == EALREADY, "the same socket, once there is room");
        theirs = take(listener);
        ok(talks(ours, theirs), "they talk");
        ok(!readable(listener, 20), "and nobody else is waiting");
        close(listener);
}

#ifdef SANITIZED

static void check_cancel(void)
{
        skip("cancellation", "sanitizers lose count of what was on a cancelled thread's stack");
}

static void check_cancel_full(void)
{
}

#else

static int cancelled_fd;

static void *connect_in_thread(void *argument)
{
        int fd;

        (void)argument;
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        fd = cancelled_fd = new_socket(0);
        while (!atomic_load(&served))
                usleep(100);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
        (void)connect_to(fd, address);
        return NULL;
}

static void check_cancel(void)
{
        const int listener = serve_at(address, 5), before = count_open();
        int cancelled = 0, theirs;

        for (int i = 0; i < 50; i++) {
                pthread_t thread;
                void *returned = NULL;

                served = 0;
                need(pthread_create(&thread, NULL, connect_in_thread, NULL) == 0, "thread");
                pthread_cancel(thread);
                served = 1;
                pthread_join(thread, &returned);
                cancelled += returned == PTHREAD_CANCELED;
                close(cancelled_fd);
        }
        same(cancelled, 50, "a cancellation that is pending acts in connect");
        same(count_open(), before, "no descriptor is left");
        while (readable(listener, 0)) {
                theirs = accept(listener, NULL, NULL);
                close(theirs);
        }
        cancelled_fd = join(listener, address, &theirs);
        ok(talks(cancelled_fd, theirs), "the server serves");
        close(listener);
}

static void *connect_waiting(void *argument)
{
        (void)argument;
        (void)connect_to(cancelled_fd, address);
        return NULL;
}

/* Cancelled while it waits for room in the backlog: it may wait to the end, but leaves nothing. */
static void check_cancel_full(void)
{
        int listener, fds[FULL], before;
        pthread_t thread;
        double start;

        if (!under_rules())
                return;

        listener = serve_unix(socket_file(address), SOCK_STREAM, 3);
        (void)fill(fds, FULL);
        cancelled_fd = new_socket(0);
        before = count_open();
        start = milliseconds();
        need(pthread_create(&thread, NULL, connect_waiting, NULL) == 0, "thread");
        usleep(20000);
        pthread_cancel(thread);
        pthread_join(thread, NULL);
        ok(milliseconds() - start < PATIENCE / 2.0, "cancelled while it waits, it ends");
        same(count_open(), before, "no descriptor is left");
        same(option(cancelled_fd, SOL_SOCKET, SO_DOMAIN), family, "the socket is an IP socket");
        while (readable(listener, 0))
                close(accept(listener, NULL, NULL));
        same(connect_to(cancelled_fd, address), 0, "it can be connected when there is room");
        close(listener);
}

#endif

int main(int argc, char **argv)
{
        need(argc == 3, "an address, and what to do");
        address = argv[1];
        family = *address == '[' ? AF_INET6 : AF_INET;
        if (strcmp(argv[2], "full") == 0) {
                check_full();
        } else if (strcmp(argv[2], "storm") == 0) {
                check_storm(0);
                check_storm(SOCK_NONBLOCK);
        } else if (strcmp(argv[2], "signals") == 0) {
                check_signals(SA_RESTART);
                check_signals(0);
                check_signals_full();
        } else {
                check_cancel();
                check_cancel_full();
        }
        is(messages(), "", "nothing is printed");
        return tap_end();
}
