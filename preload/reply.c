/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names the datagram sockets of clients. See reply.h. */

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "preload/environment.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/reply.h"
#include "preload/socket-file.h"
#include "preload/unix-list.h"
#include "preload/words.h"
#include "rules/text.h"

/*
 * The answer for the last target, since programs make a socket for each request: the lowest bit.
 * The others tell the file.
 */
static _Atomic uint64_t last_answer;

static uint64_t key_of(const struct stat *st)
{
        return (st->st_ino * UINT64_C(0x9e3779b97f4a7c15) ^ st->st_dev ^
                (uint64_t)st->st_mtim.tv_nsec << 20)
               << 1;
}

bool reply_is_near(const struct target *towards, bool *ret_missing)
{
        struct stat st;
        uint64_t answer;
        int r;

        /* Whoever finds an abstract name can be found by one; and who is not there is no reason to
         * leave files behind. */
        *ret_missing = target_is_file(towards) && kernel_stat(towards->address.sun_path, &st) < 0;
        if (!target_is_file(towards) || *ret_missing)
                return true;
        answer = atomic_load_explicit(&last_answer, memory_order_relaxed);
        if ((answer & ~UINT64_C(1)) == key_of(&st))
                return answer & 1;

        r = unix_list_has(towards);
        *ret_missing = r == -ECONNREFUSED;
        if (r < 0)
                return true;

        atomic_store_explicit(&last_answer, key_of(&st) | (uint64_t)r, memory_order_relaxed);
        return r;
}

/*
 * Whoever serves may be another user, so that the file can be written to by all; what they send is
 * not heard (datagram-receive.c). Its name can't be guessed.
 */
static int bind_file(int fd, const char *directory, size_t length, struct reply_name *ret)
{
        uint64_t random = 0;
        struct text text;

        if (length == 0 || *directory != '/' ||
            length + sizeof("/.ip2unix-0123456789abcdef") > sizeof(ret->target.address.sun_path))
                return -EINVAL;

        (void)!kernel_getrandom(&random, sizeof(random), GRND_NONBLOCK);
        memset(&ret->target, 0, sizeof(ret->target));
        ret->target.address.sun_family = AF_UNIX;
        text_init(&text, ret->target.address.sun_path, sizeof(ret->target.address.sun_path));
        for (size_t i = 0; i < length; i++)
                text_add_char(&text, directory[i]);
        text_add_string(&text, "/.ip2unix-");
        for (int shift = 60; shift >= 0; shift -= 4)
                text_add_char(&text, "0123456789abcdef"[random >> shift & 15]);
        (void)text_finish(&text);
        ret->target.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
                                         strlen(ret->target.address.sun_path) + 1);

        return socket_file_bind_new(fd, &ret->target, 0666, &ret->inode);
}

static int bind_beside(int fd, const struct target *towards, struct reply_name *ret)
{
        static const enum environment_variable variables[] = {ENVIRONMENT_RUNTIME_DIRECTORY,
                                                              ENVIRONMENT_XDG_RUNTIME_DIR};
        const char *path = towards->address.sun_path, *slash = word_last(path, '/');
        int r;

        r = bind_file(fd, path, slash > path ? (size_t)(slash - path) : 0, ret);
        for (size_t i = 0; r < 0 && i < sizeof(variables) / sizeof(variables[0]); i++) {
                const char *directory = environment_get(variables[i]);

                /* systemd.exec(5) puts several in one variable. */
                if (directory)
                        r = bind_file(fd, directory, word_length(directory, ':'), ret);
        }

        return r;
}

/* Said once as a warning: a program that makes a socket for each request would go on and on. */
static void tell_unheard(const struct target *towards)
{
        static _Atomic bool told;

        log_message(atomic_exchange(&told, true) ? LOG_NOTICE : LOG_WARNING, TARGET_TEXT(towards),
                    ": answers from there will not arrive: it is in another network namespace, and "
                    "there is no directory for a socket to answer to");
}

int reply_bind(int fd, const struct target *towards, struct reply_name *ret)
{
        const struct sockaddr unnamed = {.sa_family = AF_UNIX};

        ret->unsure = false;
        if (!reply_is_near(towards, &ret->unsure)) {
                if (bind_beside(fd, towards, ret) == 0)
                        return 0;
                tell_unheard(towards);
        }

        ret->inode = 0;
        return kernel_bind(fd, &unnamed, sizeof(unnamed.sa_family)) < 0 ? -ENOBUFS : 0;
}
