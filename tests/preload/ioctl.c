/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ioctl(2): what can be asked of any descriptor, of a connection, and about the interfaces of the
 * network, which any IP socket tells. Run bare too. argv: where to bind.
 */

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static void check_interfaces(int fd, const char *what)
{
        struct ifreq request = {.ifr_name = "lo"};
        struct ifconf list = {.ifc_len = 0, .ifc_buf = NULL};
        int index;

        same(ioctl(fd, SIOCGIFINDEX, &request), 0, "%s: SIOCGIFINDEX", what);
        index = request.ifr_ifindex;
        memset(&request, 0, sizeof(request));
        request.ifr_ifindex = index;
        same(ioctl(fd, SIOCGIFNAME, &request), 0, "%s: SIOCGIFNAME", what);
        is(request.ifr_name, "lo", "%s: the name", what);
        same(ioctl(fd, SIOCGIFFLAGS, &request), 0, "%s: SIOCGIFFLAGS", what);
        ok(request.ifr_flags & IFF_LOOPBACK, "%s: the flags", what);
        same(ioctl(fd, SIOCGIFMTU, &request), 0, "%s: SIOCGIFMTU", what);
        same(ioctl(fd, SIOCGIFADDR, &request), 0, "%s: SIOCGIFADDR", what);
        same(((struct sockaddr_in *)&request.ifr_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK),
             "%s: the address", what);
        same(ioctl(fd, SIOCGIFCONF, &list), 0, "%s: SIOCGIFCONF", what);
        strcpy(request.ifr_name, "nosuch0");
        errno = 0;
        same(ioctl(fd, SIOCGIFADDR, &request), -1, "%s: no such interface", what);
        same(errno, ENODEV, "%s: says ENODEV", what);
        errno = 0;
        same(ioctl(fd, TIOCGWINSZ, &request), -1, "%s: a request of terminals", what);
        ok(errno == ENOTTY || errno == EINVAL, "%s: fails", what);
}

static void check_connection(int ours, int theirs)
{
        int n = -1;

        same(ioctl(ours, FIONREAD, &n), 0, "FIONREAD");
        same(n, 0, "nothing has come");
        need(write(theirs, "12345", 5) == 5 && readable(ours, PATIENCE), "data");
        same(ioctl(ours, FIONREAD, &n), 0, "FIONREAD");
        same(n, 5, "5 bytes have come");
        same(ioctl(ours, SIOCATMARK, &n), 0, "SIOCATMARK");
        same(n, 0, "no urgent data");
        n = 1;
        same(ioctl(ours, FIONBIO, &n), 0, "FIONBIO");
        same(fcntl(ours, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "is O_NONBLOCK");
}

int main(int argc, char **argv)
{
        int listener, ours, theirs;

        need(argc == 2, "an address");
        listener = listen_at(argv[1]);
        ours = accept_client(0, listener, &theirs);
        check_interfaces(listener, "listener");
        check_interfaces(ours, "connection");
        check_connection(ours, theirs);
        return tap_end();
}
