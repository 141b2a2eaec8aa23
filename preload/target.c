/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses of Unix sockets. See target.h. */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"
#include "preload/target.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

int target_expand(const struct rule *rule, const struct rule_query *query, struct target *ret)
{
        const bool abstract = rule->action == RULE_ABSTRACT;
        char name[sizeof(ret->address.sun_path)];
        ssize_t length;

        length = rule_expand(rule->target, query, name, sizeof(name));
        if (length < 0) {
                log_message(LOG_ERR, "port ", LOG_NUMBER(query->port), ": ", rule->target,
                            ": the name of a Unix socket can't be longer than 107 bytes");
                return -ENAMETOOLONG;
        }

        /* A path ends with a NUL, which counts; an abstract name begins with one, and is as long as
         * it is: unix(7). */
        memset(&ret->address, 0, sizeof(ret->address));
        ret->address.sun_family = AF_UNIX;
        memcpy(ret->address.sun_path + abstract, name, (size_t)length);
        ret->length = (socklen_t)(PATH_OFFSET + (size_t)length + 1);
        return 0;
}

int target_socket(const struct target *target, int type)
{
        const int fd = next.socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        bool is_forbidden;

        if (fd >= 0)
                return fd;

        /* systemd.exec(5): what RestrictAddressFamilies= does not name, the kernel refuses so. */
        is_forbidden = errno == EAFNOSUPPORT || errno == EACCES || errno == EPERM;
        log_message(LOG_ERR, TARGET_TEXT(target), ": cannot make a Unix socket: ", LOG_ERRNO(errno),
                    errno == EAFNOSUPPORT ? ", does RestrictAddressFamilies= have AF_UNIX?" : "");
        return is_forbidden ? -EACCES : -ENOBUFS;
}

typedef int name_function(int fd, struct sockaddr *addr, socklen_t *length);

static bool read_name(int fd, name_function *function, struct target *ret)
{
        ret->length = sizeof(ret->address);
        memset(&ret->address, 0, sizeof(ret->address));

        return function(fd, (struct sockaddr *)&ret->address, &ret->length) == 0 &&
               ret->address.sun_family == AF_UNIX && ret->length > PATH_OFFSET &&
               ret->length <= sizeof(ret->address);
}

bool target_of_socket(int fd, struct target *ret)
{
        return read_name(fd, next.getsockname, ret);
}

bool target_of_peer(int fd, struct target *ret)
{
        return read_name(fd, next.getpeername, ret);
}

int target_type(const struct target *target)
{
        const int fd = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int r;

        if (fd < 0)
                return 0;
        r = kernel_connect(fd, &target->address, target->length) < 0 ? errno : 0;
        kernel_close(fd);
        /* EPERM: it is connected, and hears nobody else. */
        return r == 0 || r == EPERM ? SOCK_DGRAM : r == EPROTOTYPE ? SOCK_STREAM : 0;
}

void target_tell_type(int level, const struct target *target, int type)
{
        const bool is_stream = type == SOCK_STREAM;

        if (level > log_level)
                return;
        /* What is no stream socket and no datagram socket either is the third. */
        log_message(level, TARGET_TEXT(target), " is a ",
                    !is_stream                           ? "stream"
                    : target_type(target) == SOCK_STREAM ? "seqpacket"
                                                         : "datagram",
                    " socket, and the program's is a ", is_stream ? "stream" : "datagram",
                    " socket");
}

bool target_equal(const struct target *a, const struct target *b)
{
        return a->length == b->length && memcmp(&a->address, &b->address, a->length) == 0;
}

const char *target_text(char buf[static sizeof(struct sockaddr_un) + 1],
                        const struct target *target)
{
        const char *name = target->address.sun_path;
        const size_t length = target->length - PATH_OFFSET;
        size_t n;

        /* A path may have a NUL that counts. A peer has chosen it, and must not begin lines in a
         * log.
         */
        for (n = 0; n < length && !(name[n] == 0 && target_is_file(target)); n++)
                buf[n] = (unsigned char)name[n] < ' ' || name[n] == 0x7f ? '?' : name[n];
        if (!target_is_file(target))
                buf[0] = '@';
        buf[n] = 0;
        return buf;
}
