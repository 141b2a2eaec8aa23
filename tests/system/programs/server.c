/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A small HTTP server that knows nothing of Unix sockets and socket activation.
 *
 *     server [--close=loop|closefrom|close_range] [--fork] [--notify] [ADDRESS:]PORT...
 *
 * It binds every address in the order given and answers each request with one line that says what
 * it sees: the address asked for and the listener's, its process, the connection's own and its
 * peer's address. SIGTERM lets it finish the request at hand; connections that it has not accepted
 * stay in the listener's queue.
 *
 * --close: first close every descriptor from 3 on, in one of the three ways that daemons do.
 * --fork: go to the background as daemons do; the first process ends once all sockets listen.
 * --notify: tell the service manager when all sockets listen, as sd_notify(3) describes.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTENERS_MAX 16

struct listener {
        int fd;
        const char *asked;                  /* the address to bind, as it was asked for */
        char address[INET6_ADDRSTRLEN + 8]; /* what getsockname says, with the port */
};

static volatile sig_atomic_t ending;

static void handle_term(int signum)
{
        (void)signum;
        ending = 1;
}

static _Noreturn void die(const char *what)
{
        fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void close_all(const char *way)
{
        if (strcmp(way, "loop") == 0) {
                long max = sysconf(_SC_OPEN_MAX);

                for (int fd = 3; fd < max; fd++)
                        (void)close(fd);
        } else if (strcmp(way, "closefrom") == 0) {
                closefrom(3);
        } else if (strcmp(way, "close_range") == 0) {
                if (close_range(3, ~0U, 0) < 0)
                        die("close_range");
        } else {
                errno = EINVAL;
                die(way);
        }
}

static socklen_t parse_address(const char *text, struct sockaddr_storage *ret)
{
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
        const char *colon = strrchr(text, ':');
        uint16_t port = htons((uint16_t)atoi(colon ? colon + 1 : text));
        char host[64] = "0.0.0.0";

        memset(ret, 0, sizeof(*ret));
        if (colon && text[0] == '[')
                snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2, text + 1);
        else if (colon)
                snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
        if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
                in->sin_family = AF_INET;
                in->sin_port = port;
                return sizeof(*in);
        }
        if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
                in6->sin6_family = AF_INET6;
                in6->sin6_port = port;
                return sizeof(*in6);
        }
        errno = EINVAL;
        die(text);
}

static void address_format(const struct sockaddr_storage *address, char *ret, size_t size)
{
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        char host[INET6_ADDRSTRLEN];

        if (address->ss_family == AF_INET)
                snprintf(ret, size, "%s:%u", inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)),
                         ntohs(in->sin_port));
        else if (address->ss_family == AF_INET6)
                snprintf(ret, size, "[%s]:%u",
                         inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)),
                         ntohs(in6->sin6_port));
        else
                snprintf(ret, size, "family-%u", address->ss_family);
}

/* The address that a socket says it has. */
static void own_address(int fd, char *ret, size_t size)
{
        struct sockaddr_storage address = {};
        socklen_t length = sizeof(address);

        if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
                die("getsockname");
        address_format(&address, ret, size);
}

static struct listener listener_open(const char *text)
{
        struct sockaddr_storage address;
        socklen_t length = parse_address(text, &address);
        struct listener listener;
        int one = 1;
        int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                die("socket");
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
                die("setsockopt");
        if (bind(fd, (struct sockaddr *)&address, length) < 0)
                die(text);
        if (listen(fd, SOMAXCONN) < 0)
                die("listen");
        listener.fd = fd;
        listener.asked = text;
        own_address(fd, listener.address, sizeof(listener.address));
        return listener;
}

/* Read up to the empty line that ends a request. False when the client went away before. */
static bool request_read(int fd)
{
        char buffer[4096];
        size_t used = 0;

        while (used < sizeof(buffer) - 1) {
                ssize_t n = read(fd, buffer + used, sizeof(buffer) - 1 - used);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                used += (size_t)n;
                buffer[used] = '\0';
                if (strstr(buffer, "\r\n\r\n"))
                        return true;
        }
        return false;
}

static void serve(const struct listener *listener)
{
        struct sockaddr_storage address = {};
        socklen_t length = sizeof(address);
        char own[INET6_ADDRSTRLEN + 8], peer[INET6_ADDRSTRLEN + 8], body[256], answer[512];
        int fd = accept4(listener->fd, (struct sockaddr *)&address, &length, SOCK_CLOEXEC);

        if (fd < 0) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                        die("accept4");
                return;
        }
        if (request_read(fd)) {
                int n;

                own_address(fd, own, sizeof(own));
                address_format(&address, peer, sizeof(peer));
                snprintf(body, sizeof(body), "asked=%s listener=%s pid=%d own=%s peer=%s\n",
                         listener->asked, listener->address, (int)getpid(), own, peer);
                n = snprintf(answer, sizeof(answer),
                             "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
                             body);
                if (send(fd, answer, (size_t)n, MSG_NOSIGNAL) < 0)
                        fprintf(stderr, "server: send: %s\n", strerror(errno));
        }
        close(fd);
}

/*
 * Fork twice; the first process waits for the byte that the last one writes when it is ready, and
 * for the end of the second: systemd takes whom it finds for the main process, and were that the
 * second, the service would end with it.
 */
static int background(void)
{
        int ends[2];
        char ready;
        pid_t pid;

        if (pipe2(ends, O_CLOEXEC) < 0)
                die("pipe2");
        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid > 0) {
                close(ends[1]);
                if (read(ends[0], &ready, 1) != 1 || waitpid(pid, NULL, 0) < 0)
                        _exit(1);
                _exit(0);
        }
        close(ends[0]);
        if (setsid() < 0)
                die("setsid");
        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid > 0)
                _exit(0);
        return ends[1];
}

static void notify_ready(void)
{
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t length = path ? strlen(path) : 0;
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || length == 0 || length >= sizeof(address.sun_path)) {
                errno = EINVAL;
                die("NOTIFY_SOCKET");
        }
        memcpy(address.sun_path, path, length);
        if (address.sun_path[0] == '@')
                address.sun_path[0] = '\0';
        if (sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
                die("sd_notify");
        close(fd);
}

/* Serve until SIGTERM, which is let in while waiting alone, so that no request is cut short. */
static void serve_all(const struct listener *listeners, size_t n)
{
        struct pollfd fds[LISTENERS_MAX];
        sigset_t waiting;

        sigemptyset(&waiting);
        for (size_t i = 0; i < n; i++)
                fds[i] = (struct pollfd){.fd = listeners[i].fd, .events = POLLIN};
        while (!ending) {
                if (ppoll(fds, n, NULL, &waiting) < 0) {
                        if (errno != EINTR)
                                die("ppoll");
                        continue;
                }
                for (size_t i = 0; i < n; i++)
                        if (fds[i].revents)
                                serve(&listeners[i]);
        }
}

int main(int argc, char **argv)
{
        struct sigaction action = {.sa_handler = handle_term};
        struct listener listeners[LISTENERS_MAX];
        bool notify = false;
        int ready = -1;
        size_t n = 0;
        sigset_t term;

        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &term, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0)
                die("SIGTERM");

        for (int i = 1; i < argc; i++) {
                if (strncmp(argv[i], "--close=", 8) == 0)
                        close_all(argv[i] + 8);
                else if (strcmp(argv[i], "--fork") == 0)
                        ready = background();
                else if (strcmp(argv[i], "--notify") == 0)
                        notify = true;
                else if (n < LISTENERS_MAX)
                        listeners[n++] = listener_open(argv[i]);
        }
        if (n == 0) {
                fprintf(stderr, "usage: server [OPTION...] [ADDRESS:]PORT...\n");
                return 2;
        }
        if (notify)
                notify_ready();
        if (ready >= 0) {
                if (write(ready, "1", 1) != 1)
                        die("write");
                close(ready);
        }
        serve_all(listeners, n);
        return 0;
}
