/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What getsockname() and getpeername() take on an activated Unix socket.
 *
 *     names SOCKET-PATH BATCHES
 *
 * Runs under the shim, with a Unix listener at SOCKET-PATH passed to it and a rule that gives it to
 * binds of port 8080. Prints, one a line: the name of the call, whose it is, nanoseconds. "kernel"
 * is the system call itself. The last line says whether the calls made none, which a child in
 * strict seccomp mode finds out: the kernel kills it otherwise.
 */

#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/measure.h"

static int make_listener(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        need(bind(fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
        need(listen(fd, 10) == 0, "listen");
        return fd;
}

static int make_client(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        strncpy(address.sun_path, path, sizeof address.sun_path - 1);
        need(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, path);
        return fd;
}

static bool makes_no_system_call(int listener, int connection)
{
        struct sockaddr_storage name;
        socklen_t length = sizeof name;
        pid_t child = fork();
        int status;

        need(child >= 0, "fork");
        if (child == 0) {
                prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
                getsockname(listener, (struct sockaddr *)&name, &length);
                getsockname(connection, (struct sockaddr *)&name, &length);
                getpeername(connection, (struct sockaddr *)&name, &length);
                syscall(SYS_exit, 0);
        }
        need(waitpid(child, &status, 0) == child, "waitpid");
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
        struct shortest ours[3] = {SHORTEST_INIT, SHORTEST_INIT, SHORTEST_INIT};
        struct shortest kernels = SHORTEST_INIT;
        struct sockaddr_storage storage;
        struct sockaddr *name = (struct sockaddr *)&storage;
        socklen_t length;
        int listener, client, connection;
        long batches;

        if (argc != 3)
                return EXIT_FAILURE;
        batches = number(argv[2]);
        listener = make_listener();
        client = make_client(argv[1]);
        connection = accept(listener, NULL, NULL);
        need(connection >= 0, "accept");
        length = sizeof storage;
        need(getpeername(connection, name, &length) == 0 && name->sa_family == AF_INET,
             "getpeername: not the shim's answer");

#define GET(call, fd) (length = sizeof storage, call(fd, name, &length))
        for (long batch = 0; batch < batches; batch++) {
                TIME_BATCH(&ours[0], GET(getsockname, listener));
                TIME_BATCH(&ours[1], GET(getsockname, connection));
                TIME_BATCH(&ours[2], GET(getpeername, connection));
                length = sizeof storage;
                TIME_BATCH(&kernels, syscall(SYS_getsockname, client, name, &length));
        }
        printf("getsockname listener %.2f\n", ns_per_call(&ours[0]));
        printf("getsockname connection %.2f\n", ns_per_call(&ours[1]));
        printf("getpeername connection %.2f\n", ns_per_call(&ours[2]));
        printf("getsockname kernel %.2f\n", ns_per_call(&kernels));
        printf("syscalls %s\n", makes_no_system_call(listener, connection) ? "none" : "some");
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
