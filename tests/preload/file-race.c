/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Processes that start at once on one path: exactly one gets it, whether a dead socket lies there
 * or nothing; and one that comes while another leaves gets it or is told EADDRINUSE. The rule is
 * in,path=@DIR@/web, with mode=0600 for port 81. argv: how many processes, how many rounds.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define MANY 32

static const char *web;

/* What the processes share. Each round has a gate and is over when everybody has left it. */
static struct {
        _Atomic int round, arrived, left;
        _Atomic int won, lost, strange;
        _Atomic long served, unserved;
} * shared;

static void spin_until(_Atomic int *number, int wanted)
{
        for (int i = 0; atomic_load(number) < wanted; i++)
                if (i > 200)
                        usleep(50);
}

static void take_part(int round, int processes)
{
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r;

        atomic_fetch_add(&shared->arrived, 1);
        spin_until(&shared->round, round);
        r = bind_to(fd, "127.0.0.1:80");
        if (r == 0 && listen(fd, 5) == 0)
                shared->won++;
        else if (r == EADDRINUSE)
                shared->lost++;
        else
                shared->strange++;
        /* The winner stays until everybody has tried. */
        atomic_fetch_add(&shared->left, 1);
        spin_until(&shared->left, round * processes);
        if (r == 0) {
                if (file_serves(web, fd))
                        shared->served++;
                else
                        shared->unserved++;
        }
        close(fd);
}

static void check_start(int processes, int rounds, bool dead)
{
        const char *what = dead ? "a dead socket lies there" : "nothing lies there";
        pid_t pids[MANY];
        int wrong = 0, left = 0;

        memset(shared, 0, sizeof(*shared));
        for (int i = 0; i < processes; i++) {
                pids[i] = fork();
                if (pids[i] == 0) {
                        for (int round = 1; round <= rounds; round++)
                                take_part(round, processes);
                        _exit(0);
                }
        }

        for (int round = 1; round <= rounds; round++) {
                spin_until(&shared->arrived, round * processes);
                wrong += shared->won != round - 1 || shared->strange != 0;
                left += strcmp(kind_of(web), "none") != 0;
                if (dead)
                        leave_dead(web);
                atomic_store(&shared->round, round);
        }
        for (int i = 0; i < processes; i++)
                same(reap(pids[i]), 0, "%s: process %d ends well", what, i);
        same(shared->strange, 0, "%s: nobody fails with anything but EADDRINUSE", what);
        same(shared->won, rounds, "%s: of %d processes one wins each of %d rounds", what, processes,
             rounds);
        same(shared->lost, (long long)rounds * (processes - 1), "%s: and all others lose", what);
        same(wrong, 0, "%s: no round has two winners or none", what);
        same(shared->unserved, 0, "%s: who wins is the one that clients reach", what);
        same(left, 0, "%s: and removes the file afterwards", what);
}

/* Binding, serving and closing in a loop, all at once: who has the path is reached through it. */
static void come_and_go(int rounds)
{
        for (int i = 0; i < rounds; i++) {
                const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                const int r = bind_to(fd, "127.0.0.1:80");

                if (r == 0 && listen(fd, 5) == 0) {
                        shared->won++;
                        if (file_serves(web, fd))
                                shared->served++;
                        else
                                shared->unserved++;
                } else if (r != EADDRINUSE)
                        shared->strange++;
                close(fd);
        }
}

static void check_come_and_go(int processes, int rounds)
{
        pid_t pids[MANY];

        memset(shared, 0, sizeof(*shared));
        for (int i = 0; i < processes; i++) {
                pids[i] = fork();
                if (pids[i] == 0) {
                        come_and_go(rounds);
                        _exit(0);
                }
        }
        for (int i = 0; i < processes; i++)
                same(reap(pids[i]), 0, "coming and going: process %d ends well", i);
        same(shared->strange, 0, "coming and going: no error but EADDRINUSE");
        ok(shared->won > processes, "coming and going: %d binds work", shared->won);
        same(shared->unserved, 0, "coming and going: who has it is reached");
        is(kind_of(web), "none", "coming and going: nothing is left");
}

/* A bind of what others remove: it works, or says that it does not, by an errno of bind(2). */
static bool try_bind(const char *address)
{
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r = bind_to(fd, address);
        const bool bound = strcmp(local_name(fd), address) == 0;

        if (r == 0 && bound && listen(fd, 1) == 0)
                shared->won++;
        else if (!bound && (r == EADDRINUSE || r == EADDRNOTAVAIL || r == EACCES))
                shared->lost++;
        else
                shared->strange++;
        close(fd);
        return r == 0;
}

/* Somebody who knows no locks removes whatever he finds. */
static void check_removed(int rounds)
{
        pid_t pid;
        int fd;

        memset(shared, 0, sizeof(*shared));
        pid = fork();
        if (pid == 0) {
                while (!shared->round)
                        unlink(web);
                _exit(0);
        }
        for (int i = 0; i < rounds; i++)
                (void)try_bind("127.0.0.1:80");
        same(shared->won, rounds, "somebody removes the file all the time, and every bind works");
        /* This one has to find it again, to give it its mode. */
        for (int i = 0; i < rounds; i++)
                (void)try_bind("127.0.0.1:81");
        shared->round = 1;
        same(reap(pid), 0, "he ends well");
        same(shared->strange, 0, "with mode=, %d of %d work, and no other is bound",
             shared->won - rounds, rounds);
        fd = listen_at("127.0.0.1:80");
        ok(file_serves(web, fd), "and when he is gone it is there to stay");
        close(fd);
}

int main(int argc, char **argv)
{
        static char path[256];
        int processes, rounds;

        need(argc == 3, "how many processes, how many rounds");
        processes = atoi(argv[1]);
        rounds = atoi(argv[2]);
        need(processes > 0 && processes <= MANY, "how many processes");
        web = strcpy(path, path_of("web"));
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                      0);
        need(shared != MAP_FAILED, "mmap");
        check_start(processes, rounds, false);
        check_start(processes, rounds, true);
        check_come_and_go(processes, rounds);
        check_removed(rounds);
        is(count_files() == 0 ? "nothing" : "something", "nothing", "what is left of it all");
        return tap_end();
}
