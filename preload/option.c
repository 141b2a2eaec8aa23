/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Options of converted sockets: those that only IP sockets have are kept in the object, the others
 * are the Unix socket's own, with a few answers put right.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "preload/client.h"
#include "preload/connection.h"
#include "preload/datagram-option.h"
#include "preload/inherited.h"
#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/option-table.h"
#include "preload/option.h"
#include "preload/sock.h"

#define CONGESTION_SIZE sizeof(((struct option_values *)NULL)->congestion)

int option_number(int fd, int name)
{
        int value = 0;
        socklen_t length = sizeof(value);

        return next.getsockopt(fd, SOL_SOCKET, name, &value, &length) < 0 ? 0 : value;
}

void option_copy(int from, int to, int name)
{
        char value[sizeof(struct timeval)];
        socklen_t length = sizeof(value);

        if (next.getsockopt(from, SOL_SOCKET, name, value, &length) < 0)
                return;

        /* The kernel doubles a buffer's size when it is set, and says the double when asked. */
        if (name == SO_RCVBUF || name == SO_SNDBUF) {
                int size;

                memcpy(&size, value, sizeof(size));
                size /= 2;
                memcpy(value, &size, sizeof(size));
        }
        (void)next.setsockopt(to, SOL_SOCKET, name, value, length);
}

static bool is_ip_level(int level)
{
        return level == IPPROTO_TCP || level == IPPROTO_IP || level == IPPROTO_IPV6 ||
               level == IPPROTO_UDP || level == IPPROTO_UDPLITE || level == IPPROTO_MPTCP;
}

/* A level that a socket of this family and type does not have. */
static bool is_foreign_level(const struct sock *sock, int level)
{
        return (level == IPPROTO_IPV6 && sock->family != AF_INET6) ||
               (level == IPPROTO_TCP && sock->type != SOCK_STREAM) ||
               (level == IPPROTO_UDP && sock->type != SOCK_DGRAM) ||
               (level == IPPROTO_UDPLITE && sock->protocol != IPPROTO_UDPLITE);
}

/* The two that every server sets on every connection have room in the word. */
static bool set_flag(int fd, word w, word flag, int value)
{
        while (WORD_KIND(w) == WORD_ACCEPTED) {
                const word replacement = value ? w | flag : w & ~flag;

                if (replacement == w || table_replace(fd, w, replacement))
                        return true;
                if (table_get(fd) == w)
                        return true; /* a vfork child: nothing is recorded */
                w = table_get(fd);
        }

        return false;
}

static void store(int fd, word w, int place, int value)
{
        if (WORD_KIND(w) == WORD_ACCEPTED && place == OPTION_NODELAY &&
            set_flag(fd, w, WORD_NODELAY, value))
                return;
        if (WORD_KIND(w) == WORD_ACCEPTED && place == OPTION_CORK &&
            set_flag(fd, w, WORD_CORK, value))
                return;

        w = connection_promote(fd);
        if (WORD_KIND(w) == WORD_SOCK)
                __atomic_store_n(&sock_at(WORD_INDEX(w))->options.value[place], value,
                                 __ATOMIC_RELAXED);
        table_drop(w);
}

/* ip(7): its options, unlike tcp(7)'s, may be given as a single byte. */
static int read_value(int level, const void *value, socklen_t length, int *ret)
{
        if (length >= sizeof(int)) {
                if (!value)
                        return -EFAULT;
                memcpy(ret, value, sizeof(int));
                return 0;
        }
        if (level == IPPROTO_IP) {
                *ret = length > 0 && value ? *(const unsigned char *)value : 0;
                return 0;
        }

        return -EINVAL;
}

static int set_emulated(int fd, word w, int level, int place, const struct option_range *range,
                        const void *value, socklen_t length)
{
        int number, r;

        if (range->min > range->max)
                return -ENOPROTOOPT;
        r = read_value(level, value, length, &number);
        if (r < 0)
                return r;

        if (range->resets && number == -1)
                number = option_initial(place);
        else if (range->boolean)
                number = number != 0;
        else if (number < range->min || number > range->max)
                return -EINVAL;

        store(fd, w, place, range->mask ? number & range->mask : number);
        return 0;
}

/*
 * Which algorithms there are, and which this process may use, only a TCP socket knows. Where the
 * kernel makes none, the program's word has to do.
 */
static int read_congestion(sa_family_t family, const void *value, socklen_t length,
                           char ret[CONGESTION_SIZE])
{
        const int asked = kernel_socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = CONGESTION_SIZE;
        int r = 0;

        if (asked < 0) {
                if (!value || length < 1)
                        return value ? -EINVAL : -EFAULT;
                memcpy(ret, value, length < size ? length : size - 1);
                return 0;
        }

        if (next.setsockopt(asked, IPPROTO_TCP, TCP_CONGESTION, value, length) < 0 ||
            next.getsockopt(asked, IPPROTO_TCP, TCP_CONGESTION, ret, &size) < 0)
                r = -errno;
        kernel_close(asked);
        return r;
}

static int set_congestion(int fd, word w, const void *value, socklen_t length)
{
        char name[CONGESTION_SIZE] = {0};
        const int r = read_congestion(sock_at(WORD_INDEX(w))->family, value, length, name);

        if (r < 0)
                return r;

        w = connection_promote(fd);
        if (WORD_KIND(w) == WORD_SOCK)
                memcpy(sock_at(WORD_INDEX(w))->options.congestion, name, sizeof(name));
        table_drop(w);
        return 0;
}

int option_set(int fd, word w, int level, int name, const void *value, socklen_t length)
{
        struct sock *sock = sock_at(WORD_INDEX(w));
        struct option_range range;
        int place;

        if ((int)length < 0)
                return -EINVAL;
        if (is_foreign_level(sock, level))
                return -ENOPROTOOPT;

        place = option_find(level, name, &range);
        if (place >= 0)
                return set_emulated(fd, w, level, place, &range, value, length);

        if (sock_is_datagram(sock)) {
                const int r = datagram_set_option(sock, level, name, value, length);

                if (r <= 0)
                        return r;
        }
        /* The kernel's TLS would not encrypt here. Who is told so does it himself. */
        if (level == IPPROTO_TCP && name == TCP_ULP)
                return -ENOENT;
        if (level == IPPROTO_TCP && name == TCP_CONGESTION)
                return set_congestion(fd, w, value, length);
        if (is_ip_level(level))
                return 0;

        if (next.setsockopt(fd, level, name, value, length) < 0)
                return level == SOL_SOCKET ? -errno : -ENOPROTOOPT;
        if (level == SOL_SOCKET && WORD_KIND(w) == WORD_SOCK)
                sock->inherited = inherited_note(sock->inherited, name, value, length);
        return 0;
}

int option_give(const void *from, size_t size, void *value, socklen_t *length)
{
        if ((int)*length < 0)
                return -EINVAL;
        if (*length > size)
                *length = (socklen_t)size;
        memcpy(value, from, *length);
        return 0;
}

/* ip(7)'s options come back as a single byte when the buffer has no room for more and it suffices.
 */
static int give_byte(int number, void *value, socklen_t *length)
{
        *(unsigned char *)value = (unsigned char)number;
        *length = 1;
        return 0;
}

static int give_number(int number, void *value, socklen_t *length)
{
        return option_give(&number, sizeof(number), value, length);
}

static int give_tcp_info(const struct sock *sock, word w, void *value, socklen_t *length)
{
        const bool connection = WORD_KIND(w) == WORD_ACCEPTED || sock->kind == SOCK_CONNECTION;
        struct tcp_info info = {
                .tcpi_state = connection                      ? TCP_ESTABLISHED
                              : atomic_load(&sock->listening) ? TCP_LISTEN
                                                              : TCP_CLOSE,
                .tcpi_snd_mss = 65483, /* the loopback interface's */
                .tcpi_rcv_mss = 65483,
                .tcpi_pmtu = 65535,
        };

        return option_give(&info, sizeof(info), value, length);
}

/* Answers that are neither in the table nor the Unix socket's. Returns 1 when it is none of them.
 */
static int get_special(int fd, struct sock *sock, word w, int level, int name, void *value,
                       socklen_t *length)
{
        static const struct ucred nobody = {0, (uid_t)-1, (gid_t)-1};

        if (level == SOL_SOCKET)
                switch (name) {
                case SO_DOMAIN:
                        return give_number(sock->family, value, length);
                case SO_PROTOCOL:
                        return give_number(sock->protocol, value, length);
                case SO_TYPE:
                        return give_number(sock->type, value, length);
                case SO_ACCEPTCONN:
                        return give_number(WORD_KIND(w) == WORD_SOCK &&
                                                   atomic_load(&sock->listening),
                                           value, length);
                case SO_ERROR:
                        if (sock->kind != SOCK_REFUSED)
                                break;
                        return give_number(-client_take_error(fd, sock), value, length);
                case SO_PEERCRED:
                        return option_give(&nobody, sizeof(nobody), value, length);
                }
        else if (level == IPPROTO_TCP)
                switch (name) {
                case TCP_INFO:
                        return give_tcp_info(sock, w, value, length);
                case TCP_CONGESTION:
                        return option_give(sock->options.congestion,
                                           sizeof(sock->options.congestion), value, length);
                }
        else if (level == IPPROTO_IP && name == IP_OPTIONS) {
                /* sshd hangs up on connections that have any. */
                *length = 0;
                return 0;
        }

        return 1;
}

static int get_emulated(const struct sock *sock, word w, int place)
{
        if (WORD_KIND(w) == WORD_ACCEPTED && place == OPTION_NODELAY)
                return w & WORD_NODELAY ? 1 : 0;
        if (WORD_KIND(w) == WORD_ACCEPTED && place == OPTION_CORK)
                return w & WORD_CORK ? 1 : 0;

        return __atomic_load_n(&sock->options.value[place], __ATOMIC_RELAXED);
}

/* What getsockopt(2) says of a level that a socket has not; setsockopt(2) says ENOPROTOOPT. */
static int no_such_level(const struct sock *sock)
{
        return sock->family == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT;
}

int option_get(int fd, word w, int level, int name, void *value, socklen_t *length)
{
        struct sock *sock = sock_at(WORD_INDEX(w));
        int place, r;

        if (!value || !length)
                return -EFAULT;
        if (is_foreign_level(sock, level))
                return no_such_level(sock);

        r = sock_is_datagram(sock) ? datagram_get_option(fd, sock, level, name, value, length) : 1;
        if (r > 0)
                r = get_special(fd, sock, w, level, name, value, length);
        if (r <= 0)
                return r;

        place = option_find(level, name, NULL);
        if (place >= 0) {
                const int number = get_emulated(sock, w, place);

                if (level == IPPROTO_IP && *length > 0 && *length < sizeof(number) && number >= 0 &&
                    number <= 255)
                        return give_byte(number, value, length);
                return give_number(number, value, length);
        }
        if (is_ip_level(level))
                return -ENOPROTOOPT;
        if (level != SOL_SOCKET)
                return no_such_level(sock);

        return next.getsockopt(fd, level, name, value, length) < 0 ? -errno : 0;
}
