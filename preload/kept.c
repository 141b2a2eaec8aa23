/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the descriptors that systemd passed. See kept.h. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/environment.h"
#include "preload/kept.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/memory.h"
#include "preload/next.h"
#include "preload/option.h"
#include "preload/process.h"
#include "preload/table.h"
#include "preload/words.h"
#include "rules/text.h"

#define LISTEN_FDS_START 3

/* What sd_listen_fds_with_names(3) calls a descriptor that has no name. */
#define NAME_UNKNOWN "unknown"

static struct kept *kept;
static int n_kept;

/*
 * What was left to the program: its names as in LISTEN_FDNAMES, and what listens, SOCK_STREAM or
 * SOCK_DGRAM. Of what an earlier program has left, names are all that is known.
 */
static const char *left_names;
static const uint8_t *left_types;
static unsigned n_left;

static bool parse_number(const char **s, unsigned long long max, unsigned long long *ret)
{
        unsigned long long n = 0;

        if (**s < '0' || **s > '9')
                return false;

        for (; **s >= '0' && **s <= '9'; (*s)++) {
                n = n * 10 + (unsigned long long)(**s - '0');
                if (n > max)
                        return false;
        }

        *ret = n;
        return true;
}

/* What is it that was passed? Returns false for what no bind can use. */
static bool inspect(int fd, struct kept *ret)
{
        struct sockaddr_storage addr;
        socklen_t length = sizeof(addr);
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
                return false;

        ret->fd = fd;
        ret->dev = st.st_dev;
        ret->ino = st.st_ino;
        ret->family = (sa_family_t)option_number(fd, SO_DOMAIN);
        ret->type = option_number(fd, SO_TYPE);

        if (ret->type != SOCK_DGRAM &&
            (ret->type != SOCK_STREAM || !option_number(fd, SO_ACCEPTCONN)))
                return false;
        if (ret->family == AF_UNIX)
                return true;

        return next.getsockname(fd, (struct sockaddr *)&addr, &length) == 0 &&
               endpoint_read((struct sockaddr *)&addr, length, &ret->endpoint, NULL);
}

/*
 * Programs give low numbers a meaning (node's workers expect their channel at 3, shells let their
 * scripts choose up to 9), so ours go near the top of what select(2) can name.
 */
static int lowest_hidden_number(void)
{
        uint64_t limit, top = 1024;

        if (kernel_getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit < top)
                top = limit;

        return top > 192 ? (int)top - 128 : (int)top / 2;
}

/* Keep a descriptor at a number where nobody looks. When there is none, it stays where it is. */
static void hide(struct kept *k, int lowest)
{
        int fd = k->fd >= lowest ? -1 : next.fcntl(k->fd, F_DUPFD, lowest);

        if (fd >= 0) {
                next.close(k->fd);
                k->fd = fd;
        }

        /* It was passed on to be inherited, and this exec must not be the last one. */
        next.fcntl(k->fd, F_SETFD, 0);

        if (table_reserve(k->fd) == 0)
                table_put(k->fd, WORD_OBJECT_MAKE(WORD_KEPT, k - kept));
}

static const char *copy_name(char **arena, const char *name, size_t length)
{
        char *copy = *arena;

        memcpy(copy, name, length);
        copy[length] = 0;
        *arena += length + 1;
        return copy;
}

/* Memory for n descriptors and their names, for as long as the process lives. */
static char *allocate(size_t n, size_t names)
{
        kept = memory_take(n * sizeof(*kept) + names);
        if (!kept) {
                log_message(LOG_ERR, "no memory for the descriptors that systemd passed");
                return NULL;
        }

        return (char *)(kept + n);
}

/* Is it we whom systemd passed them to? If not, sd_listen_fds(3) finds none. */
static bool is_our_pid(const char *pid)
{
        unsigned long long n;

        return pid && parse_number(&pid, INT32_MAX, &n) && !*pid && n == (unsigned)getpid();
}

/* Move a descriptor down to a number that is free. */
static bool move_down(int fd, int to)
{
        int moved;

        if (fd == to)
                return true;

        moved = next.fcntl(fd, F_DUPFD, to);
        if (moved == to)
                return next.close(fd) == 0;
        if (moved >= 0)
                next.close(moved);
        return false;
}

/* What is left to the program, as it is found. */
struct leaving {
        struct text names;
        uint8_t *types;
        unsigned count;
        bool visible; /* the program will look for it */
};

/* type: 0 for what is no listening socket. */
static void leave(struct leaving *leaving, int fd, const char *name, size_t length, int type)
{
        if (leaving->visible && !move_down(fd, LISTEN_FDS_START + (int)leaving->count))
                return;

        leaving->types[leaving->count] = (uint8_t)type;
        if (leaving->count++ > 0)
                text_add_char(&leaving->names, ':');
        text_add_bytes(&leaving->names, name, length);
}

/* LISTEN_FDS=N, LISTEN_FDNAMES=NAME:NAME…: the numbers are 3 to N+2. */
static struct kept_left open_passed(const struct kept_environment *environment, kept_wants_fn wants)
{
        const char *fds = environment->listen_fds;
        const char *names = environment->listen_fdnames ? environment->listen_fdnames : "";
        const size_t names_size = strlen(names) + 1;
        const int lowest = lowest_hidden_number();
        struct leaving leaving = {.visible = is_our_pid(environment->listen_pid)};
        unsigned long long n;
        char *arena;

        if (!parse_number(&fds, TABLE_MAX / 2, &n) || *fds || n == 0)
                return (struct kept_left){0};

        /* The names and types of those that are left, and the name of each that is kept. */
        arena = allocate(n, names_size + n + names_size + n * sizeof(NAME_UNKNOWN));
        if (!arena)
                return (struct kept_left){0};
        text_init(&leaving.names, arena, names_size);
        left_names = arena;
        arena += names_size;
        leaving.types = (uint8_t *)arena;
        left_types = leaving.types;
        arena += n;

        /*
         * LISTEN_PID is not asked: a wrapper that we are not loaded into (a static shell) forks
         * the process that binds. inspect() takes listening sockets alone.
         */
        for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + (int)n; fd++) {
                const size_t length = word_length(names, ':');
                struct kept *k = &kept[n_kept];
                const bool is_listening = inspect(fd, k);
                bool is_wanted;

                k->name = length ? copy_name(&arena, names, length)
                                 : copy_name(&arena, NAME_UNKNOWN, sizeof(NAME_UNKNOWN) - 1);
                is_wanted = wants(k->name, is_listening ? k->type : 0);
                if (is_wanted && is_listening) {
                        n_kept++;
                        hide(k, lowest);
                } else {
                        if (is_wanted)
                                log_message(LOG_WARNING, "descriptor ", LOG_NUMBER(fd), " named '",
                                            k->name, "' is no listening socket: left alone");
                        leave(&leaving, fd, names, length, is_listening ? k->type : 0);
                        memset(k, 0, sizeof(*k));
                }
                names += length;
                names += *names == ':';
        }

        (void)text_finish(&leaving.names);
        n_left = leaving.count;
        return (struct kept_left){leaving.visible ? leaving.count : 0, left_names};
}

/* What an earlier program has left, or one of its own passes: not ours to judge. */
static struct kept_left leave_all(const struct kept_environment *environment)
{
        const char *fds = environment->listen_fds;
        unsigned long long n;

        if (!fds || !parse_number(&fds, TABLE_MAX / 2, &n) || *fds)
                return (struct kept_left){0};

        left_names = environment->listen_fdnames;
        n_left = (unsigned)n;
        return (struct kept_left){(unsigned)n, left_names};
}

/* IP2UNIX_FDS=FD:DEV:INO:NAME,…: as kept_format() wrote it before this program was executed.
 */
static void open_inherited(const char *fds)
{
        const int lowest = lowest_hidden_number();
        size_t n = 1;
        char *arena;

        for (const char *s = fds; *s; s++)
                n += *s == ',';
        arena = allocate(n, strlen(fds) + 1);
        if (!arena)
                return;

        while (*fds) {
                struct kept *k = &kept[n_kept];
                unsigned long long fd, dev, ino;
                size_t length;

                if (!parse_number(&fds, TABLE_MAX, &fd) || *fds++ != ':' ||
                    !parse_number(&fds, UINT64_MAX / 16, &dev) || *fds++ != ':' ||
                    !parse_number(&fds, UINT64_MAX / 16, &ino) || *fds++ != ':')
                        return;

                length = word_length(fds, ',');
                k->name = copy_name(&arena, fds, length);
                fds += length;
                fds += *fds == ',';

                if (inspect((int)fd, k) && k->dev == dev && k->ino == ino) {
                        n_kept++;
                        hide(k, lowest);
                } else
                        memset(k, 0, sizeof(*k));
        }
}

struct kept_left kept_open(const struct kept_environment *environment, kept_wants_fn wants)
{
        if (environment->ip2unix_fds || environment->listen_fds)
                next_need_sockets();

        if (environment->ip2unix_fds)
                open_inherited(environment->ip2unix_fds);
        if (n_kept > 0)
                return leave_all(environment);

        /* Where nothing is left of the outer, there may be an inner activation. */
        return environment->listen_fds ? open_passed(environment, wants) : (struct kept_left){0};
}

int kept_count(void)
{
        return n_kept;
}

struct kept *kept_at(int place)
{
        return &kept[place];
}

int kept_yield(int fd)
{
        const word w = table_get(fd);
        struct kept *k;
        int to, flags;

        if (WORD_KIND(w) != WORD_KEPT || process_is_borrowed())
                return 0;

        k = &kept[WORD_INDEX(w)];
        flags = next.fcntl(fd, F_GETFD);
        to = next.fcntl(fd, flags & FD_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, lowest_hidden_number());
        if (to < 0)
                to = next.fcntl(fd, flags & FD_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 3);
        if (to < 0)
                return -errno;
        if (table_reserve(to) < 0) {
                next.close(to);
                return -EMFILE;
        }

        __atomic_store_n(&k->fd, to, __ATOMIC_RELEASE);
        table_put(to, w);
        table_put(fd, 0);
        environment_update_fds();
        return 0;
}

/* type: SOCK_STREAM, SOCK_DGRAM or, when it is not known, 0. */
static void add_name(struct text *text, const char *name, size_t length, int type)
{
        text_add_string(text, text->next == text->begin ? "'" : ", '");
        if (length > 0)
                text_add_printable(text, name, length);
        else
                text_add_string(text, NAME_UNKNOWN);
        text_add_string(text, type == SOCK_STREAM  ? "' (stream)"
                              : type == SOCK_DGRAM ? "' (datagram)"
                                                   : "'");
}

void kept_names(char *ret, size_t size)
{
        const char *left = left_names ? left_names : "";
        struct text text;

        text_init(&text, ret, size);
        for (int i = 0; i < n_kept; i++)
                add_name(&text, kept[i].name, strlen(kept[i].name), kept[i].type);
        for (unsigned i = 0; i < n_left; i++) {
                const size_t length = word_length(left, ':');

                add_name(&text, left, length, left_types ? left_types[i] : 0);
                left += length;
                left += *left == ':';
        }
        if (text.next == text.begin)
                text_add_string(&text, "none");
        (void)text_finish(&text);
}

size_t kept_format_size(void)
{
        size_t size = 0;

        /* Three numbers of at most 20 digits, and what separates them. */
        for (int i = 0; i < n_kept; i++)
                size += strlen(kept[i].name) + 3 * 20 + 4;

        return size > 0 ? size + 1 : 0;
}

ssize_t kept_format(char *ret, size_t size)
{
        struct text text;

        text_init(&text, ret, size);
        for (int i = 0; i < n_kept; i++) {
                text_add_string(&text, i > 0 ? "," : "");
                text_add_unsigned(&text, (unsigned)kept[i].fd);
                text_add_char(&text, ':');
                text_add_unsigned(&text, kept[i].dev);
                text_add_char(&text, ':');
                text_add_unsigned(&text, kept[i].ino);
                text_add_char(&text, ':');
                text_add_string(&text, kept[i].name);
        }

        return text_finish(&text);
}
