/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the environment that makes us what we are. See environment.h. */

#include <string.h>

#include "preload/activation.h"
#include "preload/environment.h"
#include "preload/log.h"
#include "preload/memory.h"
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
};

/* Whole NAME=VALUE strings, in memory of ours. */
static char *variables[ENVIRONMENT_COUNT];
static size_t fds_size;

static int find_name(const char *string)
{
        for (int i = 0; i < ENVIRONMENT_COUNT; i++)
                if (strncmp(string, names[i], strlen(names[i])) == 0)
                        return i;

        return -1;
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
        }
        /* Room for IP2UNIX_FDS is where LISTEN_FDS was, so that the array never has to grow. */
        *to = NULL;

        copy_variables(found);
}

const char *environment_get(enum environment_variable variable)
{
        return variables[variable] ? variables[variable] + strlen(names[variable]) : NULL;
}

void environment_update_fds(void)
{
        char *string = variables[ENVIRONMENT_FDS];
        const size_t name = strlen(names[ENVIRONMENT_FDS]);

        if (string && fds_size > 0)
                (void)activation_format(string + name, fds_size - name);
}

void environment_publish_fds(char **envp)
{
        const size_t name = strlen(names[ENVIRONMENT_FDS]);
        char *memory;

        fds_size = activation_format_size();
        if (fds_size == 0)
                return;

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

        while (*envp && strncmp(*envp, names[ENVIRONMENT_FDS], name) != 0)
                envp++;
        if (!*envp)
                envp[1] = NULL;
        *envp = memory;
}

size_t environment_size(char *const envp[])
{
        size_t n = 0;

        while (envp && envp[n])
                n++;

        return n + ENVIRONMENT_INHERITED + 1;
}

/* Does the list (blanks and colons separate: ld.so(8)) have the library? ret_end: after its name.
 */
static const char *find_library(const char *list, size_t *ret_length)
{
        while (*list) {
                const size_t length = strcspn(list, ": ");
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

/* The program's own LD_PRELOAD with our library in front, or as it is when that can't be done. */
static char *join_preload(char *theirs, char *buf, size_t size)
{
        const char *ours = environment_get(ENVIRONMENT_PRELOAD);
        const size_t name = strlen(names[ENVIRONMENT_PRELOAD]);
        size_t length;
        struct text text;

        if (find_library(theirs + name, &length))
                return theirs;
        ours = ours ? find_library(ours, &length) : NULL;
        if (!ours)
                return theirs;

        text_init(&text, buf, size);
        text_add_string(&text, names[ENVIRONMENT_PRELOAD]);
        text_add_bytes(&text, ours, length);
        text_add_char(&text, ':');
        text_add_string(&text, theirs + name);

        /* Better a program without its own library than one that opens its IP port. */
        return text_finish(&text) < 0 ? variables[ENVIRONMENT_PRELOAD] : buf;
}

char *const *environment_complete(char *const envp[], char **ret, char *preload,
                                  size_t preload_size)
{
        bool has[ENVIRONMENT_COUNT] = {0};
        size_t last_preload = 0, n = 0;
        bool changed = false;

        /* A session that the service has made for a user has the environment that it was given. */
        if (activation_is_retired())
                return envp;

        for (; envp && envp[n]; n++) {
                const int i = find_name(envp[n]);

                ret[n] = envp[n];
                if (i < 0)
                        continue;
                has[i] = true;
                if (i == ENVIRONMENT_PRELOAD)
                        last_preload = n;
                if (i == ENVIRONMENT_FDS && variables[i] && variables[i] != envp[n]) {
                        ret[n] = variables[i];
                        changed = true;
                }
        }
        if (has[ENVIRONMENT_PRELOAD]) {
                ret[last_preload] = join_preload(ret[last_preload], preload, preload_size);
                changed |= ret[last_preload] != envp[last_preload];
        }

        for (int i = 0; i < ENVIRONMENT_INHERITED; i++)
                if (!has[i] && variables[i]) {
                        ret[n++] = variables[i];
                        changed = true;
                }
        ret[n] = NULL;

        return changed ? ret : envp;
}
