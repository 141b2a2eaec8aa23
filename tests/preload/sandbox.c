/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Surrounds programs. See sandbox.h. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/sandbox.h"
#include "tests/preload/tap.h"

#define PATH       4096
#define LAST_KNOWN 450

static void __attribute__((noreturn)) skip_all(const char *why)
{
        printf("1..0 # SKIP %s\n", why);
        exit(EXIT_SUCCESS);
}

/* The program has no privilege in the namespace when it is not root's. */
static void open_low_ports(void)
{
        const int fd = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);

        need(fd >= 0 && write(fd, "0", 1) == 1, "ip_unprivileged_port_start");
        close(fd);
}

void sandbox_network(void)
{
        struct ifreq request = {.ifr_name = "lo"};
        int fd;

        if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
                skip_all("no network namespace can be made here");

        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        need(fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0, "SIOCGIFFLAGS");
        request.ifr_flags |= IFF_UP;
        need(ioctl(fd, SIOCSIFFLAGS, &request) == 0, "SIOCSIFFLAGS");
        close(fd);
        open_low_ports();
}

static void set_filter(struct sock_filter *code, unsigned short length)
{
        const struct sock_fprog program = {length, code};

        need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
        need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "PR_SET_SECCOMP");
}

void sandbox_no_inet(void)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };

        set_filter(code, sizeof(code) / sizeof(code[0]));
}

void sandbox_known_calls(void)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_KNOWN, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };

        set_filter(code, sizeof(code) / sizeof(code[0]));
}

void sandbox_descriptors(int wanted)
{
        const struct rlimit high = {1 << 16, 1 << 16};
        struct rlimit limit;

        need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        if (wanted == 0 && setrlimit(RLIMIT_NOFILE, &high) == 0)
                return;

        limit.rlim_cur = wanted == 0 ? limit.rlim_max : (rlim_t)wanted;
        need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static void enter_mounts(void)
{
        if (unshare(CLONE_NEWNS) < 0)
                skip_all("no mount namespace can be made here");

        need(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
}

/* Make something of the old root appear under the new one, by the same name or by another. */
static void show(const char *root, const char *from, const char *to)
{
        char path[PATH], link[PATH];
        struct stat st;
        ssize_t n;

        snprintf(path, sizeof(path), "%s%s", root, to);
        if (lstat(from, &st) < 0)
                return;

        /* /bin and /lib are links into /usr nowadays. */
        if (S_ISLNK(st.st_mode)) {
                n = readlink(from, link, sizeof(link) - 1);
                need(n > 0, from);
                link[n] = 0;
                need(symlink(link, path) == 0, path);
                return;
        }

        if (S_ISDIR(st.st_mode))
                need(mkdir(path, 0755) == 0, path);
        else
                need(mknod(path, S_IFREG | 0644, 0) == 0, path);
        need(mount(from, path, NULL, MS_BIND | MS_REC, NULL) == 0, path);
}

/* Libraries of the system are seen under their own names. */
static char *show_preload(const char *root, const char *preload)
{
        char *list = strdup(preload), name[24], *ret = calloc(1, strlen(preload) + 64);
        int n = 0;

        need(list && ret, "memory");
        for (char *library = strtok(list, ":"); library; library = strtok(NULL, ":"), n++) {
                snprintf(name, sizeof(name), "/preload-%d.so", n);
                if (n > 0)
                        strcat(ret, ":");
                if (strncmp(library, "/usr/", 5) != 0)
                        show(root, library, name);
                strcat(ret, strncmp(library, "/usr/", 5) == 0 ? library : name);
        }
        free(list);
        return ret;
}

void sandbox_read_only(const char *directory, char **program, char **preload)
{
        static const char *const trees[] = {"/bin",    "/lib", "/lib32", "/lib64",
                                            "/libx32", "/usr", "/etc",   "/proc"};
        struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
        char *path = realpath(*program, NULL);

        need(path != NULL, *program);
        enter_mounts();
        need(mount("tmpfs", directory, "tmpfs", 0, "mode=0755") == 0, directory);
        for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
                show(directory, trees[i], trees[i]);
        show(directory, path, "/program");
        free(path);
        *program = (char *)"/program";
        *preload = show_preload(directory, *preload);

        if (mount_setattr(AT_FDCWD, directory, AT_RECURSIVE, &read_only, sizeof(read_only)) < 0)
                skip_all("the kernel has no mount_setattr(2)");
        need(chdir(directory) == 0 && chroot(".") == 0, "chroot");
}

void sandbox_tmpfs(const char *directory, int inodes)
{
        char options[64];

        enter_mounts();
        snprintf(options, sizeof(options), "mode=0755,nr_inodes=%d", inodes);
        need(mount("tmpfs", directory, "tmpfs", 0, options) == 0, directory);
}

/* May we read all libraries of the list? */
static bool are_readable(const char *preload)
{
        char *list = strdup(preload);
        bool readable = list != NULL;

        for (char *library = strtok(list, ":"); library; library = strtok(NULL, ":"))
                readable &= access(library, R_OK) == 0;
        free(list);
        return readable;
}

void sandbox_user(int user, const char *directory, const char *program, const char *preload)
{
        if (geteuid() != 0)
                skip_all("needs root");

        need(chown(directory, (uid_t)user, (gid_t)user) == 0, directory);
        need(setgroups(0, NULL) == 0 && setgid((gid_t)user) == 0 && setuid((uid_t)user) == 0,
             "setuid");
        /* The program may be known by a name from here, the library is by its whole path. */
        if (access(program, X_OK) < 0 || !are_readable(preload))
                skip_all("the build directory is closed to other users");
}
