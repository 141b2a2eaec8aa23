/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Rules that can't be understood, or none at all: the program does not start. This one is not under
 * the shim itself; it starts a program that is, and looks at how that ends. argv: anything;
 * without, it is the program that must not come to its main().
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define EX_CONFIG 78

static const struct {
        const char *rules; /* NULL: not set */
        const char *says;  /* NULL: the program runs */
} cases[] = {
        {NULL, "ip2unix: no rules: IP2UNIX_RULES is not set, refusing to start"},
        {"", "ip2unix: no rules: IP2UNIX_RULES is empty, refusing to start"},
        {"\n\n", "ip2unix: no rules: IP2UNIX_RULES is empty, refusing to start"},
        {"in,tpc,systemd", "ip2unix: rule 1: unknown flag 'tpc', did you mean 'tcp'?"},
        {"in,systemd\nin,port=99999,reject", "ip2unix: rule 2: "},
        {"in,systemd\nin,port=80", "ip2unix: rule 2: "},
        {"in,systemd\n\nnonsense", "ip2unix: rule 3: "},
        {"in,path=run/a.sock", "ip2unix: rule 1: "},
        {"in,path=/run/%x.sock", "ip2unix: rule 1: "},
        {"in,inet=127.0.0", "ip2unix: rule 1: "},
        {"in,reject=ENOSUCHERROR", "ip2unix: rule 1: "},
        {"from-unix=/run/*,port=80,reject", "ip2unix: rule 1: "},
        {"out,systemd", "ip2unix: rule 1: "},
        {"in,systemd=a/b", "ip2unix: rule 1: "},
        {"in,systemd", NULL},
        {"in,systemd\n", NULL},
        {"in,port=1,reject\nignore", NULL},
        {"in,path=/run/a.sock", NULL},
        {"abstract=a-%p-%a-%t", NULL},
        {"out,inet=127.0.0.1", NULL},
        {"from-unix=/run/*,reject", NULL},
        {"from-abstract=*,ignore", NULL},
        {"\xff\xfe", "ip2unix: rule 1: "},
};

/* A list that goes on in another variable, where the one before ends with a '+'. */
static const struct {
        const char *first;
        const char *second;
        const char *says;
} lists[] = {
        {"in,systemd\n+", "in,systemd", NULL},
        {"+", "in,systemd", NULL},
        {"in,systemd", "nonsense that nothing announces", NULL},
        {"in,systemd\n+", NULL, "ip2unix: rules are missing: IP2UNIX_RULES_2 is not set"},
        {"in,systemd\n+", "", "ip2unix: rules are missing: IP2UNIX_RULES_2 is empty"},
        {"in,systemd\n+", "in,systemd\n+",
         "ip2unix: rules are missing: IP2UNIX_RULES_3 is not set"},
        {"in,systemd\n+", "in,systemd\nnonsense", "ip2unix: rule 3: "},
        {"in,systemd\n+\nin,systemd", "in,systemd", "ip2unix: rule 2: "},
        {"+", "\n", "ip2unix: no rules: "},
};

static pid_t start(const char *program, const char *rules, const char *more, int *ret_output)
{
        int fds[2];
        pid_t pid;

        need(pipe(fds) == 0, "pipe");
        pid = fork();
        if (pid == 0) {
                dup2(fds[1], STDOUT_FILENO);
                dup2(fds[1], STDERR_FILENO);
                close(fds[0]);
                close(fds[1]);
                setenv("LD_PRELOAD", getenv("TEST_PRELOAD"), true);
                if (rules)
                        setenv("IP2UNIX_RULES", rules, true);
                if (more)
                        setenv("IP2UNIX_RULES_2", more, true);
                execl(program, program, (char *)NULL);
                _exit(127);
        }
        close(fds[1]);
        *ret_output = fds[0];
        return pid;
}

/* Read all, then reap: reap_output() forgets the status. */
static void check(const char *program, const char *rules, const char *more, const char *says)
{
        char text[4096] = "";
        size_t length = 0;
        ssize_t n;
        int output, status;
        const pid_t pid = start(program, rules, more, &output);

        while ((n = read(output, text + length, sizeof(text) - 1 - length)) > 0)
                length += (size_t)n;
        close(output);
        text[length] = 0;
        status = reap(pid);
        same(status, says ? EX_CONFIG : 0, "exit status under '%s'", rules ? rules : "(none)");
        if (!says) {
                is(text, "main\n", "the program runs under '%s'", rules);
                return;
        }
        ok(strncmp(text, says, strlen(says)) == 0, "it says: %s", says);
        ok(length > 0 && strchr(text, '\n') == text + length - 1, "in one line, and nothing more");
        if (strncmp(text, says, strlen(says)) != 0)
                note("got: %s", text);
}

int main(int argc, char **argv)
{
        (void)argv;
        if (argc == 1) {
                puts("main");
                return EXIT_SUCCESS;
        }

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                check("/proc/self/exe", cases[i].rules, NULL, cases[i].says);
        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                check("/proc/self/exe", lists[i].first, lists[i].second, lists[i].says);
        return tap_end();
}
