/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the environment that makes us what we are. See environment.h. */

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/environment.h"
#include "preload/inheritance.h"
#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/memory.h"
#include "preload/words.h"
#include "rules/text.h"

#define LIBRARY_NAME "libip2unix.so"

static const char *const names[ENVIRONMENT_COUNT] = {
        [ENVIRONMENT_PRELOAD] = "LD_PRELOAD=",
        [ENVIRONMENT_RULES] = "IP2UNIX_RULES=",
        [ENVIRONMENT_LOG_LEVEL] = "IP2UNIX_LOG_LEVEL=",
        [ENVIRONMENT_FDS] = "IP2UNIX_FDS=",
        [ENVIRONMENT_LISTEN_FDS] = "LISTEN_FDS=",
        [ENVIRONMENT_LISTEN_FDNAMES] = "LISTEN_FDNAMES=",
        [ENVIRONMENT_LISTEN_PID] = "LISTEN_PID=",
        [ENVIRONMENT_JOURNAL_STREAM] = "JOURNAL_STREAM=",
        [ENVIRONMENT_RUNTIME_DIRECTORY] = "RUNTIME_DIRECTORY=",
        [ENVIRONMENT_XDG_RUNTIME_DIR] = "XDG_RUNTIME_DIR=",
};

/* Whole NAME=VALUE strings, in memory of ours. */
static char *variables[ENVIRONMENT_COUNT];
static size_t fds_size;

/* How many strings the program's array has room for, where some were taken out. */
static int n_free;

/* IP2UNIX_RULES_2 to IP2UNIX_RULES_16. */
static int find_part(const char *string)
{
        static const char prefix[] = "IP2UNIX_RULES_";
        size_t number = 0;

        if (!word_begins(string, prefix))
                return -1;
        for (string += sizeof(prefix) - 1; *string >= '0' && *string <= '9'; string++)
                number = number * 10 + (size_t)(*string - '0');

        return *string == '=' && number >= 2 && number <= RULE_PARTS_MAX
                       ? ENVIRONMENT_RULES_2 + (int)number - 2
                       : -1;
}

static int find_name(const char *string)
{
        for (int i = 0; i < ENVIRONMENT_COUNT; i++)
                if (names[i] && word_begins(string, names[i]))
                        return i;

        return find_part(string);
}

static void copy_variables(char *const found[static ENVIRONMENT_COUNT])
{
        size_t size = 0;
        char *memory;

        for (int i = 0; i < ENVIRONMENT_COUNT; i++)
                size += found[i] ? strlen(found[i]) + 1 : 0;
        if (size == 0)
                return;

        memory = memory_take(size);
        if (!memory)
                return;

        for (int i = 0; i < ENVIRONMENT_COUNT; i++) {
                if (!found[i])
                        continue;
                size = strlen(found[i]) + 1;
                variables[i] = memcpy(memory, found[i], size);
                memory += size;
        }
}

void environment_open(char **envp)
{
        char *found[ENVIRONMENT_COUNT] = {0};
        char **to = envp;

        for (char **from = envp; *from; from++) {
                const int i = find_name(*from);

                /* Of a variable that is there twice, getenv(3) takes the first, ld.so(8) the last.
                 */
                if (i >= 0 && (!found[i] || i == ENVIRONMENT_PRELOAD))
                        found[i] = *from;
                if (i < ENVIRONMENT_LISTEN_FDS || i > ENVIRONMENT_LISTEN_PID)
                        *to++ = *from;
                else
                        n_free++;
        }
        *to = NULL;

        copy_variables(found);
}

const char *environment_get(enum environment_variable variable)
{
        const char *string = variables[variable];

        return string ? string + word_length(string, '=') + 1 : NULL;
}

const char *environment_get_rules(size_t number)
{
        if (number > RULE_PARTS_MAX)
                return NULL;

        return environment_get(
                number == 1 ? ENVIRONMENT_RULES
                            : (enum environment_variable)(ENVIRONMENT_RULES_2 + (int)number - 2));
}

void environment_update_fds(void)
{
        char *string = variables[ENVIRONMENT_FDS];
        const size_t name = strlen(names[ENVIRONMENT_FDS]);

        if (string && fds_size > 0)
                (void)kept_format(string + name, fds_size - name);
}

/*
 * Put the variable in front of the others, where there is one of that name or environment_open()
 * has made room. Not last: programs that change their title in ps(1) take the last string for the
 * end of the memory that they may write to, as execve(2) has laid it out.
 */
static void publish(char **envp, enum environment_variable variable)
{
        size_t n = 0;

        while (envp[n] && !word_begins(envp[n], names[variable]))
                n++;
        if (!envp[n]) {
                if (n_free == 0)
                        return;
                n_free--;
                envp[n + 1] = NULL;
        }
        for (; n > 0; n--)
                envp[n] = envp[n - 1];
        envp[0] = variables[variable];
}

/* Give a variable of systemd's another value, which is no longer than the one that it had. */
static void set_value(enum environment_variable variable, const char *value)
{
        char *old = variables[variable] + strlen(names[variable]);

        if (value != old)
                memcpy(old, value, strlen(value) + 1);
}

void environment_show_passed(char **envp, unsigned count, const char *passed_names)
{
        char number[24];
        struct text text;

        if (count == 0 || !variables[ENVIRONMENT_LISTEN_FDS])
                return;

        text_init(&text, number, sizeof(number));
        text_add_unsigned(&text, count);
        set_value(ENVIRONMENT_LISTEN_FDS, number);
        if (variables[ENVIRONMENT_LISTEN_FDNAMES] && passed_names)
                set_value(ENVIRONMENT_LISTEN_FDNAMES, passed_names);
        for (int i = ENVIRONMENT_LISTEN_FDS; i <= ENVIRONMENT_LISTEN_PID; i++)
                if (variables[i])
                        publish(envp, (enum environment_variable)i);
}

static char no_fds[] = "IP2UNIX_FDS=";

void environment_announce_marks(void)
{
        if (!__atomic_load_n(&variables[ENVIRONMENT_FDS], __ATOMIC_RELAXED))
                __atomic_store_n(&variables[ENVIRONMENT_FDS], no_fds, __ATOMIC_RELAXED);
}

void environment_publish_fds(char **envp, bool marks, bool begun)
{
        static char taken[] = "IP2UNIX_FDS=taken";
        const size_t name = strlen(names[ENVIRONMENT_FDS]);
        char *memory;

        variables[ENVIRONMENT_FDS] = begun ? taken : marks ? no_fds : NULL;
        fds_size = kept_format_size();
        if (fds_size == 0) {
                if (variables[ENVIRONMENT_FDS])
                        publish(envp, ENVIRONMENT_FDS);
                return;
        }

        fds_size += name + 1;
        memory = memory_take(fds_size);
        if (!memory) {
                fds_size = 0;
                log_message(LOG_WARNING, "no memory to tell other programs of the descriptors");
                return;
        }

        memcpy(memory, names[ENVIRONMENT_FDS], name);
        variables[ENVIRONMENT_FDS] = memory;
        environment_update_fds();

        publish(envp, ENVIRONMENT_FDS);
}

/* Where in the list (blanks and colons separate: ld.so(8)) is our library? NULL: it is not there.
 */
static const char *find_library(const char *list, size_t *ret_length)
{
        while (*list) {
                const size_t colon = word_length(list, ':'), blank = word_length(list, ' ');
                const size_t length = colon < blank ? colon : blank;
                const size_t name = sizeof(LIBRARY_NAME) - 1;

                if (length > name && list[length - name - 1] == '/' &&
                    memcmp(list + length - name, LIBRARY_NAME, name) == 0) {
                        *ret_length = length;
                        return list;
                }
                list += length;
                list += *list != 0;
        }

        return NULL;
}

/* What an environment has of our variables. */
struct inventory {
        size_t count; /* of all variables */
        bool has[ENVIRONMENT_COUNT];
        size_t preload; /* where the LD_PRELOAD is that counts: the last, for ld.so(8) */
        size_t fds;
};

static struct inventory take_inventory(char *const envp[])
{
        struct inventory inventory = {0};
        size_t n;

        for (n = 0; envp && envp[n]; n++) {
                const int i = find_name(envp[n]);

                if (i < 0)
                        continue;
                inventory.has[i] = true;
                if (i == ENVIRONMENT_PRELOAD)
                        inventory.preload = n;
                if (i == ENVIRONMENT_FDS)
                        inventory.fds = n;
        }

        inventory.count = n;
        return inventory;
}

/* Where in our own LD_PRELOAD is our library? NULL when theirs has it already, or ours has not. */
static const char *missing_library(const char *theirs, size_t *ret_length)
{
        const char *ours = environment_get(ENVIRONMENT_PRELOAD);

        if (find_library(theirs + strlen(names[ENVIRONMENT_PRELOAD]), ret_length) || !ours)
                return NULL;

        return find_library(ours, ret_length);
}

size_t environment_missing(char *const envp[])
{
        const struct inventory inventory = take_inventory(envp);
        size_t length, pointers = inventory.count + ENVIRONMENT_INHERITED + 1, joined = 0;
        bool missing = false;

        for (int i = 0; i < ENVIRONMENT_INHERITED; i++)
                missing |= !inventory.has[i] && variables[i];
        if (inventory.has[ENVIRONMENT_FDS])
                missing |= variables[ENVIRONMENT_FDS] &&
                           variables[ENVIRONMENT_FDS] != envp[inventory.fds];
        if (inventory.has[ENVIRONMENT_PRELOAD] &&
            missing_library(envp[inventory.preload], &length)) {
                joined = strlen(envp[inventory.preload]) + length + 2;
                missing = true;
        }

        /* A session that the service has made for a user has the environment that it was given. */
        if (!missing || inheritance_is_retired())
                return 0;

        return pointers * sizeof(char *) + joined;
}

/* The program's own LD_PRELOAD with our library in front of its own. */
static char *join_preload(char *theirs, char *buf)
{
        const size_t name = strlen(names[ENVIRONMENT_PRELOAD]);
        size_t length;
        const char *ours = missing_library(theirs, &length);
        char *next = buf;

        if (!ours)
                return theirs;

        next = (char *)memcpy(next, names[ENVIRONMENT_PRELOAD], name) + name;
        next = (char *)memcpy(next, ours, length) + length;
        *next++ = ':';
        memcpy(next, theirs + name, strlen(theirs + name) + 1);
        return buf;
}

char **environment_complete(char *const envp[], void *memory)
{
        const struct inventory inventory = take_inventory(envp);
        char **ret = memory;
        size_t n = inventory.count;

        if (n > 0)
                memcpy(ret, envp, n * sizeof(*ret));
        if (inventory.has[ENVIRONMENT_PRELOAD])
                ret[inventory.preload] =
                        join_preload(ret[inventory.preload],
                                     (char *)(ret + inventory.count + ENVIRONMENT_INHERITED + 1));
        if (inventory.has[ENVIRONMENT_FDS] && variables[ENVIRONMENT_FDS])
                ret[inventory.fds] = variables[ENVIRONMENT_FDS];
        for (int i = 0; i < ENVIRONMENT_INHERITED; i++)
                if (!inventory.has[i] && variables[i])
                        ret[n++] = variables[i];
        ret[n] = NULL;

        return ret;
}

bool environment_has_library(void)
{
        const char *list = environment_get(ENVIRONMENT_PRELOAD);
        char path[PATH_MAX];
        size_t length;

        list = list ? find_library(list, &length) : NULL;
        if (!list || length >= sizeof(path))
                return true;

        memcpy(path, list, length);
        path[length] = 0;
        return kernel_access(path, R_OK) == 0;
}

void environment_restore(void)
{
        const struct inventory inventory = take_inventory(environ);
        size_t length;
        char *joined;

        if (inheritance_is_retired())
                return;

        for (int i = 0; i < ENVIRONMENT_INHERITED; i++)
                if (!inventory.has[i] && variables[i])
                        (void)putenv(variables[i]);

        if (inventory.has[ENVIRONMENT_PRELOAD] &&
            missing_library(environ[inventory.preload], &length)) {
                joined = memory_map(strlen(environ[inventory.preload]) + length + 2);
                if (joined)
                        (void)putenv(join_preload(environ[inventory.preload], joined));
        }
}
