/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Run a test program as systemd runs an activated service.
 *
 *     activate [-b] [-f] [-j] [-n N] [-p PID] [-l NAME=KIND]... [-r RULE]... [-e VARIABLE=VALUE]...
 *              PROGRAM [ARG...]
 *
 *   -l  open a socket and pass it. KIND: unix, abstract, unix-dgram, unix-seqpacket, inet, inet6,
 *       udp, pair (a connected socket, which no bind can use)
 *   -r  a rule for the shim. Without any the variable is not set.
 *   -e  set a variable; VARIABLE= alone unsets it
 *   -f  let the kernel refuse IP sockets, as RestrictAddressFamilies=AF_UNIX does
 *   -j  let the program take its standard error for the journal
 *   -n  the limit of descriptors
 *   -p  what LISTEN_PID says instead of the truth
 *   -b  run the program bare, in a network namespace of its own: no shim, no sockets
 *
 * The shim, and what has to be loaded before it, are in $TEST_PRELOAD. The program finds in
 * $TEST_SOCKETS where clients connect, separated by "|", and in $TEST_STDERR a file that its
 * standard error is. Ends as the program ends.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define FIRST_FD 3
#define MAX      64
#define MESSAGES 20
#define HIGH     600 /* above what is passed, and above what -n leaves */

static char directory[] = "/tmp/ip2unix-test-XXXXXX";

static struct {
        int fds[MAX];
        int n;
        char names[4096], addresses[8192], rules[8192];
        const char *pid;
        int limit;
        bool bare, restrict_families, journal;
} setup;

static void append(char *list, size_t size, const char *separator, const char *text)
{
        const size_t length = strlen(list);

        need(length + strlen(text) + 2 <= size, "room for what is passed");
        snprintf(list + length, size - length, "%s%s", length > 0 ? separator : "", text);
}

static int listen_unix(const char *kind)
{
        const bool abstract = strcmp(kind, "abstract") == 0;
        const int type = strcmp(kind, "unix-dgram") == 0       ? SOCK_DGRAM
                         : strcmp(kind, "unix-seqpacket") == 0 ? SOCK_SEQPACKET
                                                               : SOCK_STREAM;
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        socklen_t length = sizeof(un);
        const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        snprintf(un.sun_path, sizeof(un.sun_path), "%s%s/%d", abstract ? "@" : "", directory,
                 setup.n);
        append(setup.addresses, sizeof(setup.addresses), "|", un.sun_path);
        if (abstract) {
                length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(un.sun_path));
                un.sun_path[0] = 0;
        }
        need(bind(fd, (struct sockaddr *)&un, length) == 0, "bind");
        need(type == SOCK_DGRAM || listen(fd, SOMAXCONN) == 0, "listen");
        return fd;
}

static int listen_inet(const char *kind)
{
        const char *address = strcmp(kind, "inet6") == 0 ? "[::1]:0" : "127.0.0.1:0";
        const bool udp = strcmp(kind, "udp") == 0;
        const int fd = socket_for(address, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC);

        need(fd >= 0 && bind_to(fd, address) == 0, address);
        need(udp || listen(fd, SOMAXCONN) == 0, "listen");
        append(setup.addresses, sizeof(setup.addresses), "|", local_name(fd));
        return fd;
}

static int make_pair(void)
{
        int fds[2];

        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0, "socketpair");
        append(setup.addresses, sizeof(setup.addresses), "|", "pair");
        return fds[0];
}

/* NAME=KIND */
static void pass(char *argument)
{
        char *kind = strchr(argument, '=');
        int fd;

        need(kind && setup.n < MAX, argument);
        *kind++ = 0;
        fd = strcmp(kind, "pair") == 0       ? make_pair()
             : strncmp(kind, "inet", 4) == 0 ? listen_inet(kind)
             : strcmp(kind, "udp") == 0      ? listen_inet(kind)
                                             : listen_unix(kind);
        setup.fds[setup.n++] = fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
        close(fd);
        /* Nobody calls his first socket "", so that a separator always separates. */
        append(setup.names, sizeof(setup.names), ":", argument);
}

/* What RestrictAddressFamilies=AF_UNIX does with the families of IP. */
static void refuse_ip_sockets(void)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

        need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
        need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "PR_SET_SECCOMP");
}

/* A loopback interface of our own, where every port is free. */
static void enter_namespace(void)
{
        struct ifreq request = {.ifr_name = "lo"};
        int fd;

        if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
                printf("1..0 # SKIP no network namespace can be made here\n");
                exit(EXIT_SUCCESS);
        }

        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        need(fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0, "SIOCGIFFLAGS");
        request.ifr_flags |= IFF_UP;
        need(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "SIOCSIFFLAGS");
        close(fd);
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

static void set_environment(void)
{
        const char *preload = getenv("TEST_PRELOAD");
        char text[24];

        need(preload, "TEST_PRELOAD");
        setenv("LD_PRELOAD", preload, true);
        if (*setup.rules)
                setenv("IP2UNIX_RULES", setup.rules, true);
        setenv("TEST_SOCKETS", setup.addresses, true);
        if (setup.n == 0)
                return;

        snprintf(text, sizeof(text), "%d", setup.n);
        setenv("LISTEN_FDS", text, true);
        snprintf(text, sizeof(text), "%d", (int)getpid());
        setenv("LISTEN_PID", setup.pid ? setup.pid : text, true);
        setenv("LISTEN_FDNAMES", setup.names, true);
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

static void limit_descriptors(void)
{
        struct rlimit limit;

        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        limit.rlim_cur = (rlim_t)setup.limit;
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static void __attribute__((noreturn)) run(char **argv, int n_variables, char **variables)
{
        if (setup.bare) {
                enter_namespace();
                setenv("TEST_BARE", "1", true);
        } else {
                for (int i = 0; i < setup.n; i++)
                        need(dup2(setup.fds[i], FIRST_FD + i) >= 0, "dup2");
                set_environment();
        }

        for (int i = 0; i < n_variables; i++)
                set_variable(variables[i]);
        if (setup.journal)
                set_journal();
        if (setup.limit > 0)
                limit_descriptors();
        if (setup.restrict_families)
                refuse_ip_sockets();
        execvp(argv[0], argv);
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

static int open_stderr(void)
{
        char path[sizeof(directory) + 8];

        snprintf(path, sizeof(path), "%s/stderr", directory);
        setenv("TEST_STDERR", path, true);
        return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

int main(int argc, char **argv)
{
        char *variables[MAX];
        int letter, n_variables = 0, status, fd;
        pid_t pid;

        need(mkdtemp(directory) != NULL, directory);
        while ((letter = getopt(argc, argv, "+bfjn:p:l:r:e:")) != -1)
                switch (letter) {
                case 'b':
                        setup.bare = true;
                        break;
                case 'f':
                        setup.restrict_families = true;
                        break;
                case 'j':
                        setup.journal = true;
                        break;
                case 'n':
                        setup.limit = atoi(optarg);
                        break;
                case 'p':
                        setup.pid = optarg;
                        break;
                case 'l':
                        pass(optarg);
                        break;
                case 'r':
                        append(setup.rules, sizeof(setup.rules), "\n", optarg);
                        break;
                case 'e':
                        need(n_variables < MAX, "room for variables");
                        variables[n_variables++] = optarg;
                        break;
                default:
                        return EXIT_FAILURE;
                }
        need(optind < argc, "a program to run");

        fd = open_stderr();
        need(fd >= 0, "the file for standard error");
        pid = fork();
        if (pid == 0) {
                need(dup2(fd, STDERR_FILENO) >= 0, "dup2");
                run(argv + optind, n_variables, variables);
        }
        need(pid > 0, "fork");

        status = reap(pid);
        show_messages();
        nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
        if (status >= 1000)
                note("ended by signal %d", status - 1000);
        return status >= 1000 ? 128 + status - 1000 : status;
}
