/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * chroot(2) to where the library is not: a wrapper must not execute a server there, which would run
 * without the shim. A service that serves may execute what it likes. Run bare too.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static char name[] = "server";
static char *const arguments[] = {name, NULL};

static int spawn_server(void)
{
        pid_t pid;

        return posix_spawn(&pid, "/server", NULL, NULL, arguments, environ);
}

static void check(int wanted)
{
        same(execv("/server", arguments), -1, "execv");
        same(errno, wanted, "its errno");
        same(execlp("server", "server", (char *)NULL), -1, "execlp");
        same(errno, wanted, "its errno");
        same(spawn_server(), wanted, "posix_spawn");
}

int main(void)
{
        char directory[] = "/tmp/ip2unix-chroot-XXXXXX";
        int fd, root;

        root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        need(root >= 0 && mkdtemp(directory) != NULL, "a directory");
        if (chroot(directory) < 0 || chdir("/") < 0) {
                skip("chroot", "needs root");
                rmdir(directory);
                return tap_end();
        }

        check(under_rules() ? EACCES : ENOENT);
        fd = listen_at("127.0.0.1:8080");
        check(ENOENT);
        close(fd);

        need(fchdir(root) == 0 && chroot(".") == 0 && rmdir(directory) == 0, "the way back");
        return tap_end();
}
