/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Servers and their clients. See ends.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define TEXTS     8
#define TEXT_SIZE 128

static char *next_text(void)
{
        static __thread char texts[TEXTS][TEXT_SIZE];
        static __thread unsigned turn;

        return texts[turn++ % TEXTS];
}

const char *in_directory(const char *name)
{
        const char *directory = getenv("TEST_DIR");
        char *text = next_text();

        need(directory != NULL, "TEST_DIR");
        snprintf(text, TEXT_SIZE, "%s/%s", directory, name);
        return text;
}

int port_in(const char *address)
{
        const char *colon = strrchr(address, ':');

        return colon ? atoi(colon + 1) : -1;
}

const char *socket_file(const char *address)
{
        char name[32];

        snprintf(name, sizeof(name), "tcp-%d.sock", port_in(address));
        return in_directory(name);
}

bool is_native(void)
{
        return getenv("TEST_NATIVE") != NULL;
}

bool leads_to_unix(void)
{
        return under_rules() && getenv("TEST_INET") == NULL;
}

bool is_unix(int fd)
{
        unsigned long inode;
        char line[512];
        struct stat st;
        bool found = false;
        FILE *stream = fopen("/proc/self/net/unix", "re");

        need(stream && fstat(fd, &st) == 0, "/proc/self/net/unix");
        while (!found && fgets(line, sizeof(line), stream))
                found = sscanf(line, "%*s %*s %*s %*s %*s %*s %lu", &inode) == 1 &&
                        inode == st.st_ino;
        fclose(stream);
        return found;
}

int serve_unix(const char *path, int type, int backlog)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        need(strlen(path) < sizeof(un.sun_path), path);
        strcpy(un.sun_path, path);
        (void)unlink(path);
        need(fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0, path);
        need(type == SOCK_DGRAM || listen(fd, backlog) == 0, "listen");
        return fd;
}

int serve_at(const char *address, int backlog)
{
        int fd;

        if (is_native())
                return serve_unix(socket_file(address), SOCK_STREAM, backlog);

        fd = socket_for(address, SOCK_STREAM | SOCK_CLOEXEC);
        need(fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0, "socket of a server");
        errno = bind_to(fd, address);
        need(errno == 0, address);
        need(listen(fd, backlog) == 0, "listen");
        return fd;
}

int take(int listener)
{
        int fd;

        need(readable(listener, PATIENCE), "a client that can be accepted");
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        need(fd >= 0, "accept");
        return fd;
}

int reach(const char *address)
{
        const int fd = socket_for(address, SOCK_STREAM | SOCK_CLOEXEC);

        need(fd >= 0, "socket of a client");
        errno = connect_to(fd, address);
        need(errno == 0, address);
        return fd;
}

int try_to_reach(int fd, const char *address)
{
        struct pollfd pollfd = {.fd = fd, .events = POLLOUT};
        int r = connect_to(fd, address);

        /* TCP tells once more of a failure that SO_ERROR has told. */
        if (r == ECONNABORTED)
                r = connect_to(fd, address);
        if (r != EINPROGRESS)
                return r;
        if (poll(&pollfd, 1, PATIENCE) != 1)
                return EINPROGRESS;

        return option(fd, SOL_SOCKET, SO_ERROR);
}

int join(int listener, const char *address, int *ret_theirs)
{
        const int ours = reach(address);

        *ret_theirs = take(listener);
        return ours;
}

const char *result(long long returned)
{
        char *text = next_text();

        if (returned < 0)
                return strerrorname_np(errno);

        snprintf(text, TEXT_SIZE, "%lld", returned);
        return text;
}

const char *events_of(int fd, int milliseconds)
{
        static const struct {
                short bit;
                const char *name;
        } table[] = {{POLLIN, "IN"},   {POLLPRI, "PRI"}, {POLLOUT, "OUT"},
                     {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLRDHUP, "RDHUP"}};
        struct pollfd pollfd = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};
        char *text = next_text();

        *text = 0;
        if (poll(&pollfd, 1, milliseconds) < 0)
                return strerrorname_np(errno);
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (pollfd.revents & table[i].bit)
                        sprintf(strchr(text, 0), "%s%s", *text ? " " : "", table[i].name);
        return text;
}

double milliseconds(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

/* How long the thread was ready to run and did not: proc(5), schedstat. 0 where it is not told. */
static double milliseconds_in_queue(void)
{
        static __thread int fd = -1;
        static __thread pid_t owner;
        char text[128] = "";
        unsigned long long queued = 0;

        /* What a child has inherited is of the thread that forked it. */
        if (owner != gettid()) {
                fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
                owner = gettid();
        }
        (void)!pread(fd, text, sizeof(text) - 1, 0);
        return sscanf(text, "%*u %llu", &queued) == 1 ? (double)queued / 1e6 : 0;
}

double slept(void)
{
        struct timespec used;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
        return milliseconds() - milliseconds_in_queue() - (double)used.tv_sec * 1000 -
               (double)used.tv_nsec / 1e6;
}

void alarm_in(int microseconds)
{
        const struct itimerval timer = {{0, 0}, {0, microseconds}};

        setitimer(ITIMER_REAL, &timer, NULL);
}

void alarm_stop(void)
{
        signal(SIGALRM, SIG_IGN);
        alarm_in(0);
}

int count_open(void)
{
        DIR *directory = opendir("/proc/self/fd");
        int n = 0;

        need(directory != NULL, "/proc/self/fd");
        while (readdir(directory))
                n++;
        closedir(directory);
        return n;
}

bool talks(int ours, int theirs)
{
        char byte = 0;

        return send(ours, "a", 1, MSG_NOSIGNAL) == 1 && recv(theirs, &byte, 1, 0) == 1 &&
               byte == 'a' && send(theirs, "b", 1, MSG_NOSIGNAL) == 1 &&
               recv(ours, &byte, 1, 0) == 1 && byte == 'b';
}

long resident_pages(void)
{
        long size = 0, resident = 0;
        FILE *stream = fopen("/proc/self/statm", "re");

        need(stream && fscanf(stream, "%ld %ld", &size, &resident) == 2, "/proc/self/statm");
        fclose(stream);
        return resident;
}
