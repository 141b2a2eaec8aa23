/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may stand where a rule leads a client to. See obstacles.h. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/obstacles.h"
#include "tests/preload/tap.h"

/* Any user but root, whom no mode stops. */
#define NOBODY 65534

/* As long as the queue of a listener has to be in these tests. */
#define BACKLOG 5

const char *obstacle_file(int port)
{
        char name[16];

        snprintf(name, sizeof(name), "%d", port);
        return in_directory(name);
}

const char *obstacle_address(int port)
{
        static char text[32];

        snprintf(text, sizeof(text), "127.0.0.1:%d", port);
        return text;
}

void obstacle_nothing(int port, int type)
{
        (void)port;
        (void)type;
}

void obstacle_dead(int port, int type)
{
        close(serve_unix(obstacle_file(port), type, BACKLOG));
}

void obstacle_other(int port, int type)
{
        (void)serve_unix(obstacle_file(port), type == SOCK_STREAM ? SOCK_DGRAM : SOCK_STREAM,
                         BACKLOG);
}

void obstacle_seqpacket(int port, int type)
{
        (void)type;
        (void)serve_unix(obstacle_file(port), SOCK_SEQPACKET, BACKLOG);
}

void obstacle_file_of_text(int port, int type)
{
        const int fd = open(obstacle_file(port), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

        (void)type;
        need(fd >= 0 && write(fd, "text", 4) == 4, "a file");
        close(fd);
}

void obstacle_directory(int port, int type)
{
        (void)type;
        need(mkdir(obstacle_file(port), 0777) == 0, "mkdir");
}

void obstacle_pipe(int port, int type)
{
        (void)type;
        need(mkfifo(obstacle_file(port), 0666) == 0, "mkfifo");
}

void obstacle_dangling(int port, int type)
{
        (void)type;
        need(symlink("/nonexistent/socket", obstacle_file(port)) == 0, "symlink");
}

void obstacle_loop(int port, int type)
{
        (void)type;
        need(symlink(obstacle_file(port), obstacle_file(port)) == 0, "symlink");
}

void obstacle_denied(int port, int type)
{
        (void)serve_unix(obstacle_file(port), type, BACKLOG);
        need(chmod(obstacle_file(port), 0) == 0, "chmod");
}

void obstacle_denied_directory(int port, int type)
{
        char path[128];

        need(mkdir(obstacle_file(port), 0700) == 0, "mkdir");
        snprintf(path, sizeof(path), "%s/s", obstacle_file(port));
        (void)serve_unix(path, type, BACKLOG);
        need(chmod(obstacle_file(port), 0) == 0, "chmod");
}

void obstacles_become_nobody(void)
{
        need(chmod(in_directory("."), 0777) == 0, "chmod");
        need(chmod(getenv("TEST_STDERR"), 0666) == 0, "chmod");
        if (geteuid() == 0)
                need(setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "another user");
}

void obstacles_are_untouched(int nothing, int dead, int text, int dangling)
{
        struct stat st;

        ok(lstat(obstacle_file(dead), &st) == 0 && S_ISSOCK(st.st_mode),
           "the dead socket's file is there");
        ok(lstat(obstacle_file(text), &st) == 0 && st.st_size == 4, "the regular file as well");
        ok(lstat(obstacle_file(dangling), &st) == 0 && S_ISLNK(st.st_mode), "and the link");
        ok(lstat(obstacle_file(nothing), &st) < 0, "nothing was made");
}
