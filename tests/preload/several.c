/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where several binds of one program lead: to one place the first alone, to a place each when the
 * placeholders tell them apart. argv: the case, whose rules are in meson.build.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

/* So many sockets on this machine have the directory of the test in their name. */
static int count_named(void)
{
        FILE *stream = fopen("/proc/net/unix", "re");
        char line[512];
        int n = 0;

        need(stream != NULL, "/proc/net/unix");
        while (fgets(line, sizeof(line), stream))
                n += strstr(line, getenv("TEST_DIR")) != NULL && strstr(line, "/stderr") == NULL;
        fclose(stream);
        return n;
}

static void check_silent(int fd, const char *what)
{
        struct epoll_event event = {.events = EPOLLIN};
        struct timeval moment = {0, 10000};
        const int epfd = epoll_create1(EPOLL_CLOEXEC);
        fd_set set;

        FD_ZERO(&set);
        FD_SET(fd, &set);
        ok(!readable(fd, 10), "%s: not for poll", what);
        same(select(fd + 1, &set, NULL, NULL, &moment), 0, "%s: nor for select", what);
        need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        same(epoll_wait(epfd, &event, 1, 10), 0, "%s: nor for epoll", what);
        close(epfd);
}

/* in,path=@DIR@/web or in,abstract=@DIR@/web */
static void check_twice(void)
{
        int first = listen_at("0.0.0.0:80"), second = listen_at("[::]:80"),
            third = listen_at("127.0.0.1:81"), theirs;

        same(count_named(), 1, "three listeners, one socket with a name");
        is(local_name(first), "0.0.0.0:80", "the first has its name");
        is(local_name(second), "[::]:80", "the second");
        is(local_name(third), "127.0.0.1:81", "and the third");
        ok(serves(0, first), "the first is served");
        theirs = client(0, first);
        need(readable(first, PATIENCE), "a client waits");
        check_silent(second, "nobody comes to the second");
        check_silent(third, "nobody comes to the third");
        close(accept(first, NULL, NULL));
        close(theirs);
        close(second);
        ok(serves(0, first), "the second is closed, and the first is served");
        close(first);
        same(count_named(), 0, "the first is closed, and its name is gone");
        first = listen_at("[::]:80");
        ok(serves(0, first), "the next one has it");
        check_silent(third, "the third one still has not");
        close(third);
        ok(serves(0, first), "and takes nothing with it");
        close(first);
        is(messages(), "", "nothing is printed");
}

/* The same rules, or none: an address that this program has already. */
static void check_again(void)
{
        int first = socket(AF_INET, SOCK_STREAM, 0), second = socket(AF_INET, SOCK_STREAM, 0),
            child_fd;
        pid_t pid;

        same(bind_to(first, "127.0.0.1:80"), 0, "bind");
        same(bind_to(second, "127.0.0.1:80"), EADDRINUSE, "bound: the same address again");
        need(listen(first, 5) == 0, "listen");
        same(bind_to(second, "127.0.0.1:80"), EADDRINUSE, "listening: the same address again");
        set_option(first, SOL_SOCKET, SO_REUSEADDR, 1);
        set_option(second, SOL_SOCKET, SO_REUSEADDR, 1);
        same(bind_to(second, "127.0.0.1:80"), EADDRINUSE, "SO_REUSEADDR does not help");
        same(option(second, SOL_SOCKET, SO_DOMAIN), AF_INET, "the second is as it was");
        is(local_name(second), "0.0.0.0:0", "not bound");
        ok(serves(0, first), "the first serves");

        pid = fork();
        if (pid == 0) {
                child_fd = socket(AF_INET, SOCK_STREAM, 0);
                _exit(bind_to(child_fd, "127.0.0.1:80"));
        }
        same(reap(pid), EADDRINUSE, "in a child");
        close(first);
        same(bind_to(second, "127.0.0.1:80"), 0, "closed, the second gets it");
        ok(listen(second, 5) == 0 && serves(0, second), "and serves");
        close(second);
}

/* in,path=@DIR@/%a */
static void check_addresses(void)
{
        static const char *const addresses[] = {"0.0.0.0", "::", "127.0.0.1", "127.0.0.2", "::1"};
        int fds[5];

        for (int i = 0; i < 5; i++) {
                char text[64];

                snprintf(text, sizeof(text), strchr(addresses[i], ':') ? "[%s]:80" : "%s:80",
                         addresses[i]);
                fds[i] = listen_at(text);
                is(local_name(fds[i]), text, "name");
        }
        same(count_files(), 5, "five files");
        for (int i = 0; i < 5; i++)
                ok(file_serves(path_of(addresses[i]), fds[i]), "%s is served", addresses[i]);
        for (int i = 0; i < 5; i++)
                close(fds[i]);
        same(count_files(), 0, "none is left");
}

/* in,path=@DIR@/%%%t-%p%% */
static void check_placeholders(void)
{
        int fd = listen_at("127.0.0.1:80"), other = listen_at("127.0.0.1:65535");

        ok(file_serves(path_of("%tcp-80%"), fd), "type, port and a per cent sign");
        ok(file_serves(path_of("%tcp-65535%"), other), "and those of another");
        close(fd);
        is(kind_of(path_of("%tcp-80%")), "none", "closed, and gone");
        is(kind_of(path_of("%tcp-65535%")), "socket", "the other is there");
        close(other);
        same(count_files(), 0, "none is left");
}

static int port_of(int fd)
{
        return atoi(strrchr(local_name(fd), ':') + 1);
}

static const char *path_of_port(int port)
{
        char name[16];

        snprintf(name, sizeof(name), "%d", port);
        return path_of(name);
}

/* in,path=@DIR@/%p: the port that the program sees is the one in the path, and free. */
static void check_any_port(void)
{
        enum { MANY = 300, LOW = 32768, HIGH = 60999 };
        int fds[MANY], wrong = 0, taken = 0, refused = 0;

        for (int i = 0; i < MANY; i++) {
                fds[i] = listen_at(i % 2 ? "127.0.0.1:0" : "[::]:0");
                wrong += port_of(fds[i]) < LOW || port_of(fds[i]) > HIGH;
                wrong += strcmp(kind_of(path_of_port(port_of(fds[i]))), "socket") != 0;
        }
        same(wrong, 0, "each of %d binds to port 0 has a file named after its port", MANY);
        same(count_files(), MANY, "no two have the same");
        ok(file_serves(path_of_port(port_of(fds[7])), fds[7]), "one serves");
        for (int i = 0; i < MANY; i++)
                close(fds[i]);
        same(count_files(), 0, "all are removed");

        /* Every other port is taken: by what is no socket, so that it can't be replaced. */
        for (int port = LOW; port <= HIGH; port += 2)
                close(open(path_of_port(port), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        for (int i = 0; i < MANY; i++) {
                fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                refused += bind_to(fds[i], "0.0.0.0:0") != 0;
                taken += port_of(fds[i]) % 2 == 0;
        }
        same(refused, 0, "half of the ports are taken: each bind works");
        same(taken, 0, "and gets another port");
        for (int i = 0; i < MANY; i++)
                close(fds[i]);
        for (int port = LOW; port <= HIGH; port += 2)
                unlink(path_of_port(port));
        same(count_files(), 0, "none but those is left");
}

/* in,port=80,path=@DIR@/web and in,port=81,path=@DIR@/web: two rules, one path. */
static void check_rules(void)
{
        int fd = listen_at("0.0.0.0:80");

        check_refused_bind("0.0.0.0:81", EADDRINUSE, "another rule with the same path");
        ok(serves(0, fd), "the first is served");
        close(fd);
        fd = listen_at("0.0.0.0:81");
        ok(serves(0, fd), "closed, the other one gets it");
        close(fd);
}

/* in,port=80,abstract=@DIR@/web */
static void check_abstract(void)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        const size_t length = strlen(path_of("web"));
        int listener;

        memcpy(un.sun_path + 1, path_of("web"), length);
        need(bind(fd, (struct sockaddr *)&un,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) == 0,
             "bind");
        check_refused_bind("0.0.0.0:80", EADDRINUSE, "a name that another has");
        close(fd);
        listener = listen_at("0.0.0.0:80");
        ok(serves(0, listener), "free again, it serves");
        same(count_files(), 0, "there is no file");
        close(listener);
        is(messages(), "", "nothing is printed");
}

/* in,path=@DIR@/%p: threads that bind, serve and close, two of them at one port each. */
static void *come_and_go(void *argument)
{
        const long number = (intptr_t)argument;
        char address[32];
        long wrong = 0;

        snprintf(address, sizeof(address), "127.0.0.1:%ld", 1000 + number / 2);
        for (int i = 0; i < 300; i++) {
                const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                const int r = bind_to(fd, address);
                struct sockaddr_in in = {0};
                socklen_t length = sizeof(in);

                /* While the other one is about to bind or to close, as it is with TCP. */
                if (r == EADDRINUSE) {
                        close(fd);
                        continue;
                }
                wrong += r != 0 || listen(fd, 5) != 0;
                wrong += getsockname(fd, (struct sockaddr *)&in, &length) != 0 ||
                         ntohs(in.sin_port) != 1000 + number / 2;
                close(fd);
        }
        return (void *)(intptr_t)wrong;
}

static void check_threads(void)
{
        enum { THREADS = 8 };
        pthread_t threads[THREADS];
        long wrong = 0;

        for (long i = 0; i < THREADS; i++)
                need(pthread_create(&threads[i], NULL, come_and_go, (void *)(intptr_t)i) == 0,
                     "pthread_create");
        for (int i = 0; i < THREADS; i++) {
                void *result;

                pthread_join(threads[i], &result);
                wrong += (intptr_t)result;
        }
        same(wrong, 0, "%d threads bind and close, and nothing is wrong", THREADS);
        same(count_files(), 0, "no file is left");
        close(listen_at("127.0.0.1:1000"));
        same(count_files(), 0, "nor by one that comes after");
        is(messages(), "", "nothing is printed");
}

/* Between two signals, in microseconds. */
#define PAUSE 500

/* Who waits for a lock sleeps and tries again, 200 times. */
#define SLEEPS 100

static volatile sig_atomic_t handled, failed, overslept;

/* How often this thread went to sleep of its own accord. */
static long count_sleeps(void)
{
        struct rusage usage;

        getrusage(RUSAGE_THREAD, &usage);
        return usage.ru_nvcsw;
}

/* bind(2) and close(2) may be called by handlers: signal-safety(7). */
static void bind_in_handler(int number)
{
        const int saved = errno;
        const long before = count_sleeps();
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(2000)};
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)number;
        failed += bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0;
        close(fd);
        handled++;
        overslept += count_sleeps() - before >= SLEEPS;
        alarm_in(PAUSE);
        errno = saved;
}

/* in,path=@DIR@/%p: a timer's handler binds in the same directory as what it interrupts. */
static void check_handler(void)
{
        const struct sigaction action = {.sa_handler = bind_in_handler, .sa_flags = SA_RESTART};
        const double end = milliseconds() + 1500;
        int wrong = 0, binds = 0;

        sigaction(SIGALRM, &action, NULL);
        alarm_in(PAUSE);
        for (; milliseconds() < end || handled < 20; binds++) {
                const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

                leave_dead(path_of("1000"));
                wrong += bind_to(fd, "127.0.0.1:1000") != 0;
                close(fd);
        }
        alarm_stop();
        ok(binds > 0, "%d binds, and %d of a handler", binds, (int)handled);
        same(wrong, 0, "every bind works");
        same(failed, 0, "and every one of the handler");
        same(overslept, 0, "which never waits for what it interrupts");
        same(count_files(), 0, "no file is left");
}

static const struct {
        const char *name;
        void (*check)(void);
} cases[] = {
        {"twice", check_twice},
        {"again", check_again},
        {"addresses", check_addresses},
        {"any-port", check_any_port},
        {"placeholders", check_placeholders},
        {"rules", check_rules},
        {"threads", check_threads},
        {"handler", check_handler},
        {"abstract", check_abstract},
};

int main(int argc, char **argv)
{
        need(argc == 2, "a case");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (strcmp(argv[1], cases[i].name) == 0)
                        cases[i].check();
        return tap_end();
}
