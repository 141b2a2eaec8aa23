/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A rule: which socket calls it is about, and what becomes of them.
 *
 * The language is documented in ip2unix-rules(7). The code in this folder knows no sockets and no
 * systemd: it is linked into the preloaded shim as well as into the tools. It never allocates
 * memory (the caller brings an arena), keeps no state, uses no stdio and no locale, and may be
 * called before the C library's own constructors have run.
 *
 * Functions return 0 or a negative errno. Results named ret_... are written on success alone,
 * ret_error on failure alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum rule_direction { RULE_BOTH, RULE_IN, RULE_OUT };

enum rule_type { RULE_ANY_TYPE, RULE_STREAM, RULE_DGRAM };

/* Which sockets a rule is about: IP sockets, or ones that are Unix sockets already. */
enum rule_origin { RULE_FROM_IP, RULE_FROM_UNIX, RULE_FROM_ABSTRACT };

enum rule_action {
        RULE_PATH,
        RULE_ABSTRACT,
        RULE_SYSTEMD,
        RULE_REJECT,
        RULE_BLACKHOLE,
        RULE_IGNORE,
        RULE_INET,
};

/*
 * An IP address in the form that rules compare: 16 bytes in network order, an IPv4 address as its
 * IPv4-mapped IPv6 form (RFC 4291, 2.5.5.2), so that one comparison serves both.
 */
struct rule_address {
        uint8_t bytes[16];
};

/* No mode= given. */
#define RULE_MODE_UNSET ((mode_t)-1)

/*
 * One parsed rule. Strings are NUL-terminated, with escapes of the rule syntax already undone, and
 * live in the arena that the rule was parsed into; NULL where not given.
 */
struct rule {
        enum rule_direction direction;
        enum rule_type type;
        enum rule_origin origin;
        enum rule_action action;

        bool has_address;
        bool address_is_ipv4;        /* written as IPv4, or as an IPv4-mapped IPv6 address */
        uint8_t prefix_length;       /* of the 16-byte form: 96 + n for an IPv4 prefix /n */
        struct rule_address address; /* bits after the prefix are zero */
        struct rule_address mask;

        uint16_t port_first; /* 0 and 65535 when no port= was given */
        uint16_t port_last;

        const char *from;   /* glob of from-unix= or from-abstract= */
        const char *target; /* path= or abstract=, placeholders not yet expanded */
        const char *fdname; /* systemd=, NULL for plain systemd */
        int reject_errno;   /* reject=, EACCES when not given */

        struct rule_address inet_address; /* inet= */
        bool inet_is_ipv4;
        uint16_t inet_port; /* 0: keep the program's */

        bool noremove;
        bool peer_credentials;
        mode_t mode;
        const char *user; /* name or number, as written */
        const char *group;
};

/* What went wrong, and which bytes of the rule's text are to blame. */
struct rule_error {
        size_t offset;     /* from the start of the text, in bytes */
        size_t length;     /* of the offending word, in bytes; 0: the rule as a whole */
        char message[256]; /* one line, lower case, no full stop, UTF-8 whole */
};

/* Memory for the strings of rules: bytes are taken from next, never given back. */
struct rule_arena {
        char *next;
        char *end;
};

/* So many bytes of arena are enough for rules of that text length (bytes, terminator excluded). */
#define RULE_ARENA_SIZE(text_length) (2 * (size_t)(text_length) + 16)

/* Called for what is probably a mistake but has a meaning (a flag given twice). */
typedef void (*rule_warning_fn)(const struct rule_error *warning, void *userdata);

enum rule_parse_flags {
        RULE_PARSE_RELATIVE_PATHS = 1 << 0, /* allow path= without a leading slash */
};

/*
 * Parse one rule.
 *
 * Escapes: the list undoes "\," and "\\"; any other backslash stays as it is written, so that the
 * globs of from-unix= and from-abstract= can have their own.
 * Control characters are errors wherever they stand: a rule is always one line.
 *
 * text, length: the rule, without its line break; need not be terminated.
 * arena: where its strings go; the text itself is not referenced afterwards.
 * warn: may be NULL.
 *
 * Errors: -EINVAL (ret_error says what), -ENOMEM (arena too small), -ENAMETOOLONG never: a path
 * that can't fit into sun_path is -EINVAL with its own message.
 */
int rule_parse(const char *text, size_t length, unsigned flags, struct rule_arena *arena,
               struct rule *ret, struct rule_error *ret_error, rule_warning_fn warn,
               void *userdata);

/*
 * The socket call that rules are held against. A Unix socket has the name that the program gives
 * it: one that the kernel chooses (autobind, unix(7)) is no query.
 */
struct rule_query {
        enum rule_direction direction; /* RULE_IN or RULE_OUT */
        enum rule_type type;           /* RULE_STREAM or RULE_DGRAM */
        enum rule_origin origin;
        bool is_ipv4; /* address is IPv4 or IPv4-mapped */
        struct rule_address address;
        uint16_t port;    /* host byte order */
        const char *name; /* Unix path or abstract name (without its leading NUL), not terminated */
        size_t name_length;
};

/*
 * Find the first rule that matches. Async-signal-safe, no allocation, no system call.
 *
 * Returns the rule, or NULL when none matches.
 */
const struct rule *rule_match(const struct rule *rules, size_t n_rules,
                              const struct rule_query *query);

/*
 * Tell whether a matches all that b does, so that b is never reached where a comes before it.
 * Returns false where that is not sure, as it is with some pairs of patterns.
 */
bool rule_covers(const struct rule *a, const struct rule *b);

/*
 * Against so many rules from the start of a list each is held, so that a list of thousands does not
 * take the square of the time. One that covers others by mistake is wide, and stands early.
 */
#define RULE_COVERS_MAX 250

/*
 * Expand the placeholders of target (%p %a %t %%) for one socket. Values that are unknown become
 * "unknown"; pass a NULL query for all unknown.
 *
 * ret: at least size bytes, NUL-terminated on success.
 * Returns the length without the terminator, or -ENAMETOOLONG.
 */
ssize_t rule_expand(const char *target, const struct rule_query *query, char *ret, size_t size);

/*
 * Write the rule in canonical form, which parses to an equal rule: matches first, then the action,
 * then its options, in the order of the manual.
 *
 * Returns the length without the terminator, or -ENOBUFS when size bytes don't hold it.
 */
ssize_t rule_format(const struct rule *rule, char *ret, size_t size);

/*
 * Describe the rule in words, one line, such as "listening TCP sockets on port 5232 use the socket
 * named 'http' that systemd passed".
 *
 * Returns the length without the terminator, or -ENOBUFS.
 */
ssize_t rule_describe(const struct rule *rule, char *ret, size_t size);

/*
 * The parts of it, for tables: "in", "TCP", "10.0.0.0/8, port 80" and "use the socket named 'http'
 * that systemd passed".
 */
ssize_t rule_describe_direction(const struct rule *rule, char *ret, size_t size);
ssize_t rule_describe_sockets(const struct rule *rule, char *ret, size_t size);
ssize_t rule_describe_place(const struct rule *rule, char *ret, size_t size);
ssize_t rule_describe_action(const struct rule *rule, char *ret, size_t size);
