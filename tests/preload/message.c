/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Messages: where they go, how they look, and where they must not go. argv: "plain" or "journal",
 * which is what standard error is; then the level, and whether a line about a bind that works is to
 * be seen under it.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static void check_lines(bool journal, bool informed)
{
        const char *prefix = journal ? "<3>ip2unix: " : "ip2unix: ";
        char error[128], info[128];

        snprintf(error, sizeof(error), "%sport 81: no listening socket 'no' was passed", prefix);
        snprintf(info, sizeof(info), "%sport 80: using socket 'web'",
                 journal ? "<6>ip2unix: " : prefix);
        close(listen_at("127.0.0.1:80"));
        same(strstr(messages(), info) != NULL, informed, "a line about what goes well");
        ok(bind_to(socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1:81") != 0, "a bind that fails");
        ok(strstr(messages(), error) != NULL, "stderr says: %s", error);
        ok(messages()[strlen(messages()) - 1] == '\n', "in whole lines");
}

/* What the program has put at the number of standard error is not for us to write into. */
static void check_reused(void)
{
        int fds[2];
        const size_t before = strlen(messages());

        need(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0, "pipe");
        dup2(fds[1], STDERR_FILENO);
        ok(bind_to(socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1:81") != 0, "a bind that fails");
        ok(!readable(fds[0], 0), "nothing is written into what is at its number now");
        close(STDERR_FILENO);
        ok(bind_to(socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1:81") != 0, "and fails again");
        same((long long)strlen(messages()), (long long)before, "with standard error closed");
}

int main(int argc, char **argv)
{
        need(argc == 3, "what standard error is, and what is to be seen");
        check_lines(strcmp(argv[1], "journal") == 0, strcmp(argv[2], "informed") == 0);
        check_reused();
        return tap_end();
}
