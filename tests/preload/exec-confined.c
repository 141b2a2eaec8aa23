/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A server that executes itself for each connection, and then lets the kernel kill it when it makes
 * more than a few system calls: sshd is one. The connection's end is no reason to look at any file
 * or socket. The rule is in,path=@DIR@/web. The program runs itself: "exec FD".
 */

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define N_FORBIDDEN (sizeof(forbidden) / sizeof(forbidden[0]))

static const long forbidden[] = {
        __NR_socket,   __NR_connect, __NR_getsockname, __NR_getpeername, __NR_openat,
        __NR_unlinkat, __NR_flock,   __NR_newfstatat,  __NR_setsockopt,  __NR_fcntl,
};

/* From here on, a forbidden call ends the process by SIGSYS. */
static void confine(void)
{
        struct sock_filter filter[N_FORBIDDEN * 2 + 2] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        };
        struct sock_fprog program = {.len = 1, .filter = filter};

        for (size_t i = 0; i < N_FORBIDDEN; i++) {
                filter[program.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                                     (unsigned)forbidden[i], 0, 1);
                filter[program.len++] =
                        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
        }
        filter[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                _exit(3);
}

static int after_exec(const char *fd)
{
        const int connection = fd[0] - '0';

        /* It asks for the peer once, as long as it may. */
        if (!is_local_peer(peer_name(connection), AF_INET))
                return 2;
        confine();
        close(connection);
        _exit(0);
}

static int in_another_program(int listener, int connection)
{
        const char fd[2] = {(char)('0' + connection)};
        const pid_t child = fork();

        need(child >= 0 && connection < 10, "fork");
        if (child == 0) {
                close(listener);
                execl("/proc/self/exe", "exec-confined", "exec", fd, (char *)NULL);
                _exit(1);
        }
        return reap(child);
}

int main(int argc, char **argv)
{
        int listener, connection, client;

        if (argc == 3 && strcmp(argv[1], "exec") == 0)
                return after_exec(argv[2]);

        listener = listen_at("127.0.0.1:80");
        connection = accept_client(0, listener, &client);
        same(in_another_program(listener, connection), 0, "the end of a confined connection");
        is(kind_of(path_of("web")), "socket", "the listener's file is still there");
        close(connection);
        close(client);
        close(listener);
        is(kind_of(path_of("web")), "none", "and goes with the listener");
        return tap_end();
}
