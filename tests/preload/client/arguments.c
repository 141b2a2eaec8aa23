/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * connect(2) with what it can't use, and sends with addresses that they can't: the errors are the
 * kernel's. Run bare too. argv: the address of a server.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static const char *address;
static struct sockaddr_storage target;
static socklen_t length;
static int listener, family;

static int new_socket(void)
{
        const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        return fd;
}

/* errno of a connect with that address. After a failure the socket is none the worse. */
static void check(const char *what, const void *addr, socklen_t size, const char *wanted)
{
        const int fd = new_socket();
        int theirs;

        is(result(connect(fd, addr, size)), wanted, "%s", what);
        if (strcmp(wanted, "0") != 0) {
                is(peer_name(fd), "ENOTCONN", "%s: not connected", what);
                same(connect_to(fd, address), 0, "%s: and then as it should be", what);
        }
        is(peer_name(fd), address, "%s: connected", what);
        theirs = take(listener);
        ok(talks(fd, theirs), "%s: they talk", what);
        close(fd);
        close(theirs);
}

/* Linux takes an IPv6 address without its scope: RFC 2133 had none. */
static socklen_t shortest(void)
{
        return family == AF_INET6 ? offsetof(struct sockaddr_in6, sin6_scope_id)
                                  : sizeof(struct sockaddr_in);
}

static void check_lengths(void)
{
        check("the whole address", &target, length, "0");
        check("more than the address", &target, sizeof(target), "0");
        check("the shortest address", &target, shortest(), "0");
        check("one byte less", &target, shortest() - 1, "EINVAL");
        check("the family alone", &target, sizeof(sa_family_t), "EINVAL");
        check("one byte", &target, 1, "EINVAL");
        check("no byte", &target, 0, "EINVAL");
        check("more than there are addresses", &target, sizeof(target) + 1, "EINVAL");
        check("a negative length", &target, (socklen_t)-1, "EINVAL");
}

static void check_pointers(void)
{
        void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        need(page != MAP_FAILED, "mmap");
        check("no address", NULL, length, "EFAULT");
        check("no address of no length", NULL, 0, "EINVAL");
        need(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0, "mprotect");
        memcpy(page, &target, length);
        need(mprotect(page, 4096, PROT_READ) == 0, "mprotect");
        check("an address that can't be written to", page, length, "0");
        munmap(page, 4096);
}

static void check_families(void)
{
        struct sockaddr_storage other;
        struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/nonexistent"};

        address_of(family == AF_INET6 ? "127.0.0.1:8080" : "[::1]:8080", &other);
        check("the other family", &other, sizeof(other), "EAFNOSUPPORT");
        check("a Unix address", &un, sizeof(un), "EAFNOSUPPORT");
        other.ss_family = 77;
        check("a family that there is not", &other, sizeof(other), "EAFNOSUPPORT");
}

static void check_descriptors(void)
{
        int fds[2], unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), udp, file;

        need(pipe(fds) == 0, "pipe");
        is(result(connect(-1, (struct sockaddr *)&target, length)), "EBADF", "descriptor -1");
        is(result(connect(9999, (struct sockaddr *)&target, length)), "EBADF", "none");
        is(result(connect(fds[0], (struct sockaddr *)&target, length)), "ENOTSOCK", "a pipe");
        file = open("/dev/null", O_RDWR | O_CLOEXEC);
        is(result(connect(file, (struct sockaddr *)&target, length)), "ENOTSOCK", "a file");
        is(result(connect(unix_fd, (struct sockaddr *)&target, length)), "EINVAL", "a Unix socket");
        close(file);
        udp = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        /* The rules are for TCP. */
        if (getenv("TEST_STANDIN")) {
                is(result(connect(udp, (struct sockaddr *)&target, length)), "ENETUNREACH",
                   "a datagram socket");
        } else {
                is(result(connect(udp, (struct sockaddr *)&target, length)), "0",
                   "a datagram socket");
                is(peer_name(udp), address, "it has that peer");
                ok(!is_unix(udp), "and is an IP socket");
        }
        close(udp);
        file = open("/dev/null", O_PATH | O_CLOEXEC);
        is(result(connect(file, (struct sockaddr *)&target, length)), "EBADF", "O_PATH");
        close(file);
        close(unix_fd);
        close(fds[0]);
        close(fds[1]);
}

/* On a connection TCP does not even look at an address, but the kernel copies it in before. */
static void check_sends(void)
{
        const int fd = reach(address), theirs = take(listener);
        char byte;

        is(result(sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&target, 3)), "1",
           "sendto with a short address");
        is(result(sendto(fd, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&target, 999)), "EINVAL",
           "sendto with too long a one");
        is(result(sendto(fd, NULL, 0, MSG_NOSIGNAL, NULL, 0)), "0", "sendto of nothing");
        is(result(sendto(fd, (void *)8, 5, MSG_NOSIGNAL, NULL, 0)), "EFAULT", "sendto of rubbish");
        is(result(sendmsg(fd, NULL, 0)), "EFAULT", "sendmsg of nothing");
        is(result(recvmsg(fd, NULL, 0)), "EFAULT", "recvmsg into nothing");
        is(result(recv(theirs, &byte, 1, 0)), "1", "what was sent arrives");
        is(result(recv(theirs, &byte, 1, MSG_DONTWAIT)), "EAGAIN", "and no more");
        close(fd);
        close(theirs);
}

int main(int argc, char **argv)
{
        need(argc == 2, "an address");
        address = argv[1];
        family = *address == '[' ? AF_INET6 : AF_INET;
        length = address_of(address, &target);
        listener = serve_at(address, 20);
        check_lengths();
        check_pointers();
        check_families();
        check_descriptors();
        check_sends();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
