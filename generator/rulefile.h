/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One rule file, taken apart and checked as far as it can be by itself (ip2unix.conf(5)). What
 * becomes of it together with other files is unit.h's.
 */

#include "rules/rule.h"
#include <stdbool.h>
#include <stddef.h>

/* Something that is wrong with a file, or looks it. */
struct complaint {
        unsigned line; /* 0: the file as a whole */
        size_t order;  /* among those of the file, as they were found */
        char *reason;
};

/* An assignment that goes through to a unit file, or a rule (without a key). */
struct assignment {
        unsigned line;
        char *key;
        char *value;
};

struct assignments {
        struct assignment *items;
        size_t n_items;
};

struct rulefile_rule {
        unsigned line;
        char *text;
        bool of_instance;   /* it has a %i, for which parsed has a sample */
        struct rule parsed; /* all zero where it can't be */
        char *memory;       /* of its strings */
};

/* What a socket section can listen on, by the keys of systemd.socket(5). */
enum listen_key {
        LISTEN_STREAM,
        LISTEN_DATAGRAM,
        LISTEN_SEQUENTIAL_PACKET,
        LISTEN_FIFO,
        LISTEN_SPECIAL,
        LISTEN_NETLINK,
        LISTEN_MESSAGE_QUEUE,
        LISTEN_USB_FUNCTION,
};

struct rulefile_socket {
        unsigned line;
        char *name;
        char *unit;       /* name of the socket unit */
        unsigned listens; /* 1 << enum listen_key for each key that is in effect */
        struct assignments settings;
};

struct rulefile {
        char *path;
        char *unit; /* as written or by default; NULL when neither makes the name of a service.
                       When there are complaints, the one that was probably meant. */
        unsigned rules_line; /* of the first [Rules], or 1 */
        char *log_level;     /* NULL: not given */
        struct rulefile_rule *rules;
        size_t n_rules;
        struct rulefile_socket *sockets;
        size_t n_sockets;
        struct assignments service;
        struct assignments unit_section;
        struct complaint *complaints;
        size_t n_complaints;
        struct complaint *warnings; /* what has a meaning, but hardly the one that was meant */
        size_t n_warnings;
};

/*
 * Begin a rule file. Its unit is the default one until it has been read.
 *
 * path: as messages are to name it. ret: to be freed with rulefile_free(). Errors: -ENOMEM.
 */
int rulefile_new(const char *path, struct rulefile **ret);

/*
 * Read the text of the file. What is wrong with it becomes complaints, in the order of lines, and
 * is no error of this function.
 *
 * Errors: -ENOMEM.
 */
int rulefile_read(struct rulefile *file, const char *data, size_t size);

/* Add a complaint. line 0 means the file as a whole. Errors: -ENOMEM. */
int rulefile_complain(struct rulefile *file, unsigned line, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Add a warning, in the same way. */
int rulefile_warn(struct rulefile *file, unsigned line, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/*
 * "FILE:LINE: reason" of a complaint or warning, one line of UTF-8. ret: owned by the caller.
 * Errors: -ENOMEM.
 */
int rulefile_describe_complaint(const struct rulefile *file, const struct complaint *complaint,
                                char **ret);

/*
 * What messages about a file call a line of it, "line 2", and one of another: "OTHER:2".
 * ret: owned by the caller. Errors: -ENOMEM.
 */
int rulefile_name_line(const struct rulefile *file, const struct rulefile *other, unsigned line,
                       char **ret);

void rulefile_free(struct rulefile *file);
