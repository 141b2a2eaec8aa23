/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mode=, user= and group= of socket files: exact whatever the umask, and in force from the first
 * instant, which a process of another user watches. The rules are by port:
 *
 *     80 no options       81 mode=0600            82 mode=0666
 *     83 mode=0660 and user 1234, group 5678      84 user=nobody, group=nogroup, by name
 *     85 user=1234        86 group=5678           87 mode=0
 *     90 an unknown user  91 an unknown group     92 user=99999999 and mode=0707
 *
 * each with path=@DIR@/web.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define BINDS    1000
#define STRANGER 4321
#define NOBODY   65534

static const char *web;

static struct stat stat_web(void)
{
        struct stat st = {0};

        (void)lstat(web, &st);
        return st;
}

static int bind_port(int fd, int port)
{
        char address[32];

        snprintf(address, sizeof(address), "127.0.0.1:%d", port);
        return bind_to(fd, address);
}

static void check_umask(mode_t mask)
{
        static const struct {
                int port;
                mode_t mode; /* or 0777 with the umask's taken away */
                uid_t uid;
                gid_t gid;
        } wanted[] = {{80, 0777, 0, 0},           {81, 0600, 0, 0},
                      {82, 0666, 0, 0},           {83, 0660, 1234, 5678},
                      {84, 0777, NOBODY, NOBODY}, {85, 0777, 1234, 0},
                      {86, 0777, 0, 5678},        {87, 0, 0, 0},
                      {92, 0707, 99999999, 0}};

        umask(mask);
        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
                const int fd = socket(AF_INET, SOCK_STREAM, 0), port = wanted[i].port;
                const mode_t mode = wanted[i].mode == 0777 ? 0777 & ~mask : wanted[i].mode;
                struct stat st;

                same(bind_port(fd, port), 0, "umask %03o, port %d: bind", mask, port);
                st = stat_web();
                is(kind_of(web), "socket", "umask %03o, port %d: a socket", mask, port);
                same(st.st_mode & 07777, mode, "umask %03o, port %d: mode", mask, port);
                same(st.st_uid, wanted[i].uid, "umask %03o, port %d: user", mask, port);
                same(st.st_gid, wanted[i].gid, "umask %03o, port %d: group", mask, port);
                same(listen(fd, 5), 0, "umask %03o, port %d: listen", mask, port);
                same(stat_web().st_mode & 07777, mode, "umask %03o, port %d: mode after listen",
                     mask, port);
                ok(file_serves(web, fd), "umask %03o, port %d: root is served", mask, port);
                close(fd);
        }
        same(umask(022), mask, "umask %03o: it is the same after it all", mask);
}

/* A group that the file's directory gives is not the one that group= names. */
static void check_set_group_id(void)
{
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        need(chown(path_of("."), 0, 777) == 0 && chmod(path_of("."), 02755) == 0, "chmod");
        same(bind_port(fd, 81), 0, "a directory that hands on its group: bind");
        same(stat_web().st_gid, 777, "the group is the directory's");
        same(stat_web().st_mode & 07777, 0600, "the mode is the rule's");
        close(fd);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        same(bind_port(fd, 86), 0, "bind with group=");
        same(stat_web().st_gid, 5678, "the group is the rule's");
        close(fd);
        need(chown(path_of("."), 0, 0) == 0 && chmod(path_of("."), 0755) == 0, "chmod");
}

static void check_unknown(int port, const char *name)
{
        const int fd = socket(AF_INET, SOCK_STREAM, 0);

        same(bind_port(fd, port), EACCES, "an unknown %s: bind", name);
        is(kind_of(web), "none", "an unknown %s: no file is left", name);
        is(local_name(fd), "0.0.0.0:0", "an unknown %s: the socket is not bound", name);
        ok(strstr(messages(), name) != NULL, "the message names %s", name);
        same(bind_port(fd, 82), 0, "an unknown %s: the socket can be bound by another rule", name);
        close(fd);
}

/* What the one who looks on has seen. */
struct sight {
        _Atomic bool ready, stop;
        long looks, seen, wider, foreign, connected;
};

static void look_on(struct sight *sight, mode_t mode, uid_t uid, gid_t gid)
{
        struct stat st;

        if (setgroups(0, NULL) < 0 || setgid(STRANGER) < 0 || setuid(STRANGER) < 0)
                _exit(1);

        sight->ready = true;
        for (; !sight->stop; sight->looks++) {
                sight->connected += try_file(web) == 0;
                if (lstat(web, &st) < 0)
                        continue;
                sight->seen++;
                sight->wider += (st.st_mode & 0777 & ~mode) != 0;
                /* Before it is what it is to be, nobody may do anything with it. */
                sight->foreign +=
                        (st.st_uid != uid || st.st_gid != gid) && (st.st_mode & 0777) != 0;
        }
        _exit(0);
}

static void check_instant(int port, mode_t mask, mode_t mode, uid_t uid, gid_t gid)
{
        struct sight *sight = mmap(NULL, sizeof(*sight), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        const double end = milliseconds() + PATIENCE;
        int failed = 0;
        pid_t pid;

        need(sight != MAP_FAILED, "mmap");
        pid = fork();
        if (pid == 0)
                look_on(sight, mode, uid, gid);
        while (!sight->ready)
                usleep(1000);
        umask(mask);
        for (int i = 0; i < BINDS || (sight->seen < 50 && i < 20 * BINDS) ||
                        (sight->seen == 0 && milliseconds() < end);
             i++) {
                const int fd = socket(AF_INET, SOCK_STREAM, 0);

                failed += bind_port(fd, port) != 0 || listen(fd, 1) != 0;
                close(fd);
        }
        umask(022);
        sight->stop = true;
        same(reap(pid), 0, "port %d: somebody looks on", port);
        same(failed, 0, "port %d: every bind works", port);
        ok(sight->seen > 0, "port %d: he has seen the file %ld times", port, sight->seen);
        same(sight->wider, 0, "port %d: never with a wider mode", port);
        same(sight->foreign, 0, "port %d: never another's and open", port);
        same(sight->connected, 0, "port %d: and has never been let in", port);
        munmap(sight, sizeof(*sight));
}

int main(void)
{
        static char path[256];
        const struct passwd *nobody = getpwnam("nobody");
        const struct group *nogroup = getgrnam("nogroup");

        web = strcpy(path, path_of("web"));
        if (geteuid() != 0) {
                skip("owners of files", "needs root");
                return tap_end();
        }
        need(nobody && nobody->pw_uid == NOBODY && nogroup && nogroup->gr_gid == NOBODY,
             "nobody and nogroup");
        check_umask(022);
        check_umask(0);
        check_umask(077);
        check_umask(0777);
        check_set_group_id();
        is(messages(), "", "nothing is printed");
        check_unknown(90, "nosuchuser");
        check_unknown(91, "nosuchgroup");
        check_instant(81, 0, 0600, 0, 0);
        check_instant(83, 0, 0660, 1234, 5678);
        check_instant(87, 0, 0, 0, 0);
        check_instant(80, 077, 0700, 0, 0);
        return tap_end();
}
