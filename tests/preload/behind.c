/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Descriptors that the C library makes, replaces and closes without calling close(2) or dup2(2) by
 * their exported names: nothing may be left of a connection whose number is used again, and
 * systemd's descriptors that wait must get through. argv: the address to serve at; or "spawned" and
 * where to serve, as the program that posix_spawn(3) has executed.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pty.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <syslog.h>
#include <unistd.h>
#include <utmp.h>
#include <wordexp.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define LAST 1100

/* Do all numbers that are no sockets say so? */
static bool is_consistent(void)
{
        bool good = true;

        for (int fd = 0; fd < LAST; fd++) {
                char path[64], target[256];
                const char *want;
                ssize_t n;

                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                n = readlink(path, target, sizeof(target) - 1);
                if (n >= 7 && memcmp(target, "socket:", 7) == 0)
                        continue;

                want = n < 0 ? "EBADF" : "ENOTSOCK";
                if (strcmp(local_name(fd), want) == 0 && strcmp(peer_name(fd), want) == 0)
                        continue;
                note("%d (%.*s) is taken for %s", fd, n < 0 ? 4 : (int)n, n < 0 ? "none" : target,
                     local_name(fd));
                good = false;
        }

        return good;
}

/* Let files take the numbers that are free. */
static bool is_consistent_when_reused(void)
{
        int files[10];
        bool good;

        for (int i = 0; i < 10; i++)
                files[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        good = is_consistent();
        for (int i = 0; i < 10; i++)
                close(files[i]);

        return good;
}

static void check_streams(int listener)
{
        FILE *stream = fdopen(accept_client(0, listener, NULL), "r+");

        need(stream != NULL, "fdopen");
        fclose(stream);
        ok(is_consistent_when_reused(), "fclose leaves nothing");

        stream = fdopen(accept_client(0, listener, NULL), "r+");
        need(stream != NULL, "fdopen");
        stream = freopen("/dev/null", "r", stream);
        need(stream != NULL, "freopen");
        is(peer_name(fileno(stream)), "ENOTSOCK", "freopen puts a file in its place");
        fclose(stream);

        close(accept_client(0, listener, NULL));
        stream = popen("exec cat", "w");
        need(stream != NULL, "popen");
        ok(is_consistent(), "what popen makes is known for what it is");
        same(pclose(stream), 0, "pclose");
        ok(is_consistent_when_reused(), "which leaves nothing");
}

/* Sockets and files of the C library's own come and go where a connection was. */
static void check_own(int listener)
{
        struct addrinfo *list = NULL;
        DIR *directory;

        close(accept_client(0, listener, NULL));
        directory = opendir("/");
        need(directory != NULL, "opendir");
        is(local_name(dirfd(directory)), "ENOTSOCK", "what opendir opens is no socket");
        closedir(directory);
        ok(is_consistent_when_reused(), "closedir leaves nothing");

        openlog("test", LOG_NDELAY, LOG_DAEMON);
        ok(is_consistent(), "openlog");
        closelog();
        ok(is_consistent_when_reused(), "closelog leaves nothing");

        if (getaddrinfo("localhost", "http", NULL, &list) == 0)
                freeaddrinfo(list);
        ok(is_consistent_when_reused(), "getaddrinfo leaves nothing");
}

/* What a child that has its connection as standard input gets in its place. */
static int use_terminal(int listener)
{
        const int connection = accept_client(0, listener, NULL);
        int master, slave;

        if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
                return 77;
        dup2(connection, STDIN_FILENO);
        if (login_tty(slave) < 0)
                return 78;

        return is_consistent() ? 0 : 1;
}

static void check_terminals(int listener)
{
        int pid = fork(), master, status;

        if (pid == 0)
                _exit(use_terminal(listener));
        status = reap(pid);
        if (status == 77) {
                skip("login_tty", "there are no terminals");
                return;
        }
        same(status, 0, "login_tty puts the terminal in the place of a connection");

        pid = fork();
        if (pid == 0) {
                dup2(accept_client(0, listener, NULL), STDIN_FILENO);
                pid = forkpty(&master, NULL, NULL, NULL);
                if (pid == 0)
                        _exit(is_consistent() ? 0 : 1);
                _exit(reap(pid));
        }
        same(reap(pid), 0, "forkpty puts a terminal in the place of a connection");
}

static int spawn(const posix_spawn_file_actions_t *actions, const char *address)
{
        char *argv[] = {(char *)"behind", (char *)"spawned", (char *)address, NULL};
        pid_t pid;

        need(posix_spawn(&pid, "/proc/self/exe", actions, NULL, argv, environ) == 0, "posix_spawn");
        return reap(pid);
}

/* The first that binds is a program that was executed with all descriptors closed. */
static void check_spawn(void)
{
        posix_spawn_file_actions_t actions;

        posix_spawn_file_actions_init(&actions);
        same(posix_spawn_file_actions_addclosefrom_np(&actions, 3), 0, "addclosefrom_np");
        same(spawn(&actions, "127.0.0.1:82"), 0, "what waits gets through it");
        posix_spawn_file_actions_destroy(&actions);

        posix_spawn_file_actions_init(&actions);
        for (int fd = 3; fd < 1024; fd++)
                need(posix_spawn_file_actions_addclose(&actions, fd) == 0, "addclose");
        same(spawn(&actions, "127.0.0.1:83"), 0, "and through addclose of each number");
        posix_spawn_file_actions_destroy(&actions);

        posix_spawn_file_actions_init(&actions);
        same(posix_spawn_file_actions_addclose(&actions, -1), EBADF, "addclose of no number");
        same(posix_spawn_file_actions_addclosefrom_np(&actions, -1), EBADF, "addclosefrom_np");
        posix_spawn_file_actions_destroy(&actions);
}

static int be_spawned(const char *address)
{
        const int probe = dup(STDERR_FILENO);

        if (probe != 3)
                return 3;
        close(probe);
        return serves(1, listen_at(address)) ? 0 : 1;
}

static void check_words(void)
{
        wordexp_t words;

        if (!under_rules())
                return;
        unsetenv("IP2UNIX_RULES");
        same(wordexp("$(echo ${IP2UNIX_RULES:+ruled})", &words, 0), 0, "wordexp");
        is(words.we_wordc > 0 ? words.we_wordv[0] : "", "ruled", "its shell finds the rules");
        wordfree(&words);
}

/* Another process's descriptor, or one's own. */
static void check_pidfd(int listener)
{
        const int pidfd = pidfd_open(getpid(), 0);
        const int copy = pidfd < 0 ? -1 : pidfd_getfd(pidfd, listener, 0);

        if (copy < 0)
                skip("pidfd_getfd", strerror(errno));
        else
                is(local_name(copy), local_name(listener), "a copy by pidfd_getfd is known");
        close(copy);
        close(pidfd);
}

int main(int argc, char **argv)
{
        int listener;

        if (argc == 3 && strcmp(argv[1], "spawned") == 0)
                return be_spawned(argv[2]);

        need(argc == 2, "an address");
        check_spawn();
        listener = listen_at(argv[1]);
        check_streams(listener);
        check_own(listener);
        check_terminals(listener);
        check_words();
        check_pidfd(listener);
        return tap_end();
}
