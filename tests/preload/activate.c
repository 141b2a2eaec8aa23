/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Run a test program as systemd runs a service, with rules for the shim.
 *
 *     activate [OPTION]... PROGRAM [ARG...]
 *
 *   -l NAME=KIND  open a socket and pass it; the kinds are in pass.h
 *   -c ADDRESS    where clients connect, and nobody listens yet: the program is to do so. @NAME is
 *                 an abstract one
 *   -r RULE       a rule. Without any the variable is not set
 *   -e VAR=VALUE  set a variable; VAR= alone unsets it
 *   -p PID        what LISTEN_PID says instead of the truth
 *   -j            let the program take its standard error for the journal
 *   -f            let the kernel refuse IP and netlink sockets, as RestrictAddressFamilies=AF_UNIX
 *                 does
 *   -i            a network namespace of its own, where every port is free
 *   -k            let the kernel kill whoever calls what systemd 252 has not heard of
 *   -n N          the limit of descriptors; 0: as many as can be had
 *   -u USER       run as another user, a number, to whom the directory belongs
 *   -o            a root directory that can't be written to, and no /tmp
 *   -t INODES     the directory is a file system with room for so many files
 *   -b            run the program bare, with -i: no shim, no sockets
 *   -x            the first of all: execute the program in this process, as a measurement needs it.
 *                 No directory, and standard error stays what it is
 *
 * There is a directory of the test's own: @DIR@ in ADDRESS, RULE, VALUE and ARG, and $TEST_DIR in
 * the program. The shim, and what has to be loaded before it, are in $TEST_PRELOAD. The program
 * finds in $TEST_SOCKETS where clients connect, separated by "|", and in $TEST_STDERR a file that
 * its standard error is. Ends as the program ends.
 */

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/pass.h"
#include "tests/preload/sandbox.h"
#include "tests/preload/tap.h"

#define MAX       64
#define MESSAGES  20
#define DIRECTORY "@DIR@"

static char top[] = "/tmp/ip2unix-test-XXXXXX", directory[sizeof(top) + 8];

static struct {
        char rules[65536], *variables[MAX], *pid;
        int n_variables, limit, user, inodes;
        bool bare, network, no_inet, known_calls, journal, read_only, execute;
} setup = {.limit = -1};

/* Put in the name of the directory. Returns a new string. */
static char *fill_in(const char *text)
{
        const char *place = strstr(text, DIRECTORY);
        char *ret = NULL, *rest;

        if (!place)
                return strdup(text);

        rest = fill_in(place + strlen(DIRECTORY));
        need(asprintf(&ret, "%.*s%s%s", (int)(place - text), text, directory, rest) >= 0, text);
        free(rest);
        return ret;
}

static void add_rule(const char *rule)
{
        const size_t length = strlen(setup.rules);

        need(length + strlen(rule) + 2 <= sizeof(setup.rules), "room for rules");
        snprintf(setup.rules + length, sizeof(setup.rules) - length, "%s%s", length > 0 ? "\n" : "",
                 rule);
}

static void set_variable(char *argument)
{
        char *value = strchr(argument, '=');

        need(value, argument);
        *value++ = 0;
        if (*value)
                setenv(argument, value, true);
        else
                unsetenv(argument);
}

/* How systemd says that standard error is the journal: systemd.exec(5). */
static void set_journal(void)
{
        char text[64];
        struct stat st;

        need(fstat(STDERR_FILENO, &st) == 0, "fstat");
        snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        setenv("JOURNAL_STREAM", text, true);
}

/* The preload is in force for what this process executes next. */
static void set_preload(const char *preload)
{
        need(setup.execute || preload, "TEST_PRELOAD");
        if (preload)
                setenv("LD_PRELOAD", preload, true);
        if (*setup.rules)
                setenv("IP2UNIX_RULES", setup.rules, true);
        pass_on(setup.pid);
}

/* The order is that of what is needed: a user can't mount, a filter forbids to make sockets. */
static void confine(char **program, char **preload)
{
        if (setup.bare || setup.network)
                sandbox_network();
        if (setup.inodes > 0)
                sandbox_tmpfs(directory, setup.inodes);
        if (setup.read_only)
                sandbox_read_only(directory, program, preload);
        if (setup.user > 0)
                sandbox_user(setup.user, directory, *program, *preload);
        if (setup.limit >= 0)
                sandbox_descriptors(setup.limit);
}

static void __attribute__((noreturn)) run(char **argv)
{
        char *preload = getenv("TEST_PRELOAD"), *program = argv[0];

        confine(&program, &preload);
        setenv("TEST_SOCKETS", pass_addresses(), true);
        setenv("TEST_DIR", directory, true);
        if (setup.bare)
                setenv("TEST_BARE", "1", true);
        else
                set_preload(preload);
        for (int i = 0; i < setup.n_variables; i++)
                set_variable(setup.variables[i]);
        if (setup.journal)
                set_journal();
        if (setup.no_inet)
                sandbox_no_inet();
        if (setup.known_calls)
                sandbox_known_calls();
        execvp(program, argv);
        perror(program);
        _exit(127);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

static void show_messages(void)
{
        char *line = strtok((char *)messages(), "\n");

        for (int i = 0; line && i < MESSAGES; i++, line = strtok(NULL, "\n"))
                note("stderr: %s", line);
        if (line)
                note("stderr: and more");
}

/* Outside of the directory, which tests look through; other users read it too. */
static int open_stderr(void)
{
        char path[sizeof(top) + 8];
        int fd;

        snprintf(path, sizeof(path), "%s/stderr", top);
        fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        need(fd >= 0 && setenv("TEST_STDERR", path, true) == 0, path);
        return fd;
}

static void make_directory(void)
{
        need(mkdtemp(top) != NULL && chmod(top, 0755) == 0, top);
        snprintf(directory, sizeof(directory), "%s/dir", top);
        need(mkdir(directory, 0755) == 0, directory);
}

static int run_child(char **argv)
{
        const int fd = open_stderr();
        const pid_t pid = fork();
        int status;

        need(pid >= 0, "fork");
        if (pid == 0) {
                need(dup2(fd, STDERR_FILENO) >= 0, "dup2");
                /* Under a root of its own the program sees the file here alone. */
                if (setup.read_only)
                        setenv("TEST_STDERR", "/proc/self/fd/2", true);
                run(argv);
        }

        status = reap(pid);
        show_messages();
        nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        if (status >= 1000)
                note("ended by signal %d", status - 1000);
        return status >= 1000 ? 128 + status - 1000 : status;
}

static void __attribute__((noreturn)) usage(void)
{
        fprintf(stderr, "usage: activate [OPTION]... PROGRAM [ARG...]; see activate.c\n");
        exit(2);
}

static void parse_option(int letter, char *argument)
{
        switch (letter) {
        case 'b':
                setup.bare = true;
                break;
        case 'c':
                pass_address(argument);
                break;
        case 'e':
                need(setup.n_variables < MAX, "room for variables");
                setup.variables[setup.n_variables++] = argument;
                break;
        case 'f':
                setup.no_inet = true;
                break;
        case 'i':
                setup.network = true;
                break;
        case 'j':
                setup.journal = true;
                break;
        case 'k':
                setup.known_calls = true;
                break;
        case 'l':
                pass_open(argument, top);
                break;
        case 'n':
                setup.limit = atoi(argument);
                break;
        case 'o':
                setup.read_only = true;
                break;
        case 'p':
                setup.pid = argument;
                break;
        case 'r':
                add_rule(argument);
                break;
        case 't':
                setup.inodes = atoi(argument);
                break;
        case 'u':
                setup.user = atoi(argument);
                break;
        case 'x':
                break;
        default:
                usage();
        }
}

int main(int argc, char **argv)
{
        int letter;

        setup.execute = argc > 1 && strcmp(argv[1], "-x") == 0;
        if (!setup.execute)
                make_directory();
        while ((letter = getopt(argc, argv, "+bc:e:fijkl:n:op:r:t:u:x")) != -1)
                parse_option(letter, optarg ? fill_in(optarg) : NULL);
        if (optind >= argc)
                usage();
        for (int i = optind; i < argc; i++)
                argv[i] = fill_in(argv[i]);

        if (!setup.execute)
                return run_child(argv + optind);

        /* IgnoreSIGPIPE= is on by default, and systemd-socket-proxyd relies on it. */
        signal(SIGPIPE, SIG_IGN);
        run(argv + optind);
}
