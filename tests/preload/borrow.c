/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Children that run in their parent's memory with descriptors of their own: vfork(2),
 * posix_spawn(3), clone(2) with CLONE_VM. What they close and duplicate must not change what the
 * parent's calls say. Run bare too. argv: where to bind; the children are this program with
 * "child" for an argument, and a connection for standard input.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define STACK 65536

static const char *address;
static int listener, connection, theirs;
static char peer[64];
static char stack[STACK] __attribute__((aligned(16)));
static char *child_argv[] = {(char *)"borrow", (char *)"child", NULL, NULL};

/* The program that inherits the connection: an IP address is what it must see. */
static int child(void)
{
        return is_local_peer(peer_name(0), AF_INET) && strcmp(local_name(0), address) == 0 &&
                               option(0, SOL_SOCKET, SO_DOMAIN) == AF_INET
                       ? 0
                       : 3;
}

static void check_intact(const char *what)
{
        is(local_name(listener), address, "%s: the listener's address", what);
        is(local_name(connection), address, "%s: the connection's", what);
        is(peer_name(connection), peer, "%s: its peer", what);
        is(peer_name(0), "ENOTSOCK", "%s: standard input is no connection", what);
        same(option(connection, IPPROTO_TCP, TCP_NODELAY), 1, "%s: TCP_NODELAY", what);
        ok(serves(0, listener), "%s: it serves", what);
}

/* All that CPython and Java do between vfork and exec, and a bit more. */
static void wreck(void)
{
        dup2(connection, 0);
        close(listener);
        close(connection);
        dup2(2, connection);
        closefrom(3);
}

static void check_vfork(void)
{
        pid_t pid = vfork();

        if (pid == 0) {
                wreck();
                execve("/proc/self/exe", child_argv, environ);
                _exit(9);
        }
        same(reap(pid), 0, "vfork: the program sees IP addresses");
        check_intact("vfork");

        pid = vfork();
        if (pid == 0) {
                wreck();
                _exit(7);
        }
        same(reap(pid), 7, "vfork without exec");
        check_intact("vfork without exec");

        pid = vfork();
        if (pid == 0) {
                execve("/nonexistent", child_argv, environ);
                _exit(errno == ENOENT ? 5 : 6);
        }
        same(reap(pid), 5, "vfork with an exec that fails");
        check_intact("vfork with an exec that fails");
}

/* vfork(2) in a frame that returns at once, as a wrapper does: the parent's frame must hold. */
static void check_vfork_often(void)
{
        volatile int good = 0;

        for (volatile int i = 0; i < 200; i++) {
                const pid_t pid = vfork();

                if (pid == 0)
                        _exit(i & 63);
                good += reap(pid) == (i & 63);
        }
        same(good, 200, "vfork, 200 times");
}

static void check_spawn(bool search)
{
        posix_spawn_file_actions_t actions;
        pid_t pid;
        int r;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, connection, 0);
        posix_spawn_file_actions_addclose(&actions, connection);
        posix_spawn_file_actions_addclose(&actions, listener);
        r = search ? posix_spawnp(&pid, "/proc/self/exe", &actions, NULL, child_argv, environ)
                   : posix_spawn(&pid, "/proc/self/exe", &actions, NULL, child_argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        same(r, 0, "posix_spawn%s", search ? "p" : "");
        same(reap(pid), 0, "posix_spawn: the program sees IP addresses");
        check_intact("posix_spawn");
}

static int wrecking_child(void *unused)
{
        (void)unused;
        wreck();
        return 4;
}

static int executing_child(void *unused)
{
        (void)unused;
        wreck();
        execve("/proc/self/exe", child_argv, environ);
        return 9;
}

static void check_clone(int (*function)(void *), int flags, int status, const char *what)
{
        const pid_t pid = clone(function, stack + STACK, flags | SIGCHLD, NULL);

        if (!ok(pid > 0, "%s", what))
                return;
        same(reap(pid), status, "%s: it ends well", what);
        check_intact(what);
}

/* A child that shares the descriptors as well is a thread in all but name. */
static int closing_child(void *fd)
{
        close(*(int *)fd);
        return 0;
}

static void check_clone_files(void)
{
        int fd = dup(listener);
        pid_t pid = clone(closing_child, stack + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, &fd);

        same(reap(pid), 0, "clone(CLONE_VM | CLONE_FILES)");
        is(local_name(fd), "EBADF", "what it closes is closed here");
        ok(serves(0, listener), "and nothing else");
}

/* The one that shares the descriptors comes first: see process.h on children that don't. */
static void check_clones(void)
{
        check_clone_files();
        check_clone(wrecking_child, CLONE_VM | CLONE_VFORK, 4, "clone(CLONE_VM | CLONE_VFORK)");
        check_clone(executing_child, CLONE_VM | CLONE_VFORK, 0,
                    "clone(CLONE_VM | CLONE_VFORK) and exec");
        check_clone(wrecking_child, CLONE_VM, 4, "clone(CLONE_VM)");
        check_clone(executing_child, CLONE_VM, 0, "clone(CLONE_VM) and exec");
}

int main(int argc, char **argv)
{
        need(argc >= 2, "an address");
        address = argv[argc - 1];
        if (argc == 3)
                return child();

        child_argv[2] = argv[1];
        listener = listen_at(address);
        connection = accept_client(0, listener, &theirs);
        set_option(connection, IPPROTO_TCP, TCP_NODELAY, 1);
        strcpy(peer, peer_name(connection));
        check_vfork();
        check_vfork_often();
        check_spawn(false);
        check_spawn(true);
        check_clone(wrecking_child, 0, 4, "clone");
        if (SANITIZED_THREAD)
                skip("clone(CLONE_VM)", "the thread sanitizer takes such a child for its parent");
        else
                check_clones();
        check_vfork();
        return tap_end();
}
