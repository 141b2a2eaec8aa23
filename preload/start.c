/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The constructor. The library is linked with -z initfirst, so that this runs before the
 * constructors of all other libraries, the C library's among them: environ is not set yet, and
 * nothing may be used that needs more than system calls and string functions.
 */

#include "preload/activation.h"
#include "preload/claim.h"
#include "preload/environment.h"
#include "preload/hook.h"
#include "preload/inheritance.h"
#include "preload/log.h"
#include "preload/mark.h"
#include "preload/next.h"
#include "preload/rule-set.h"
#include "preload/waking.h"

/*
 * What pthread_atfork(3) calls, with a handle that only objects have which are linked with the C
 * library's start files: LSB, "__register_atfork". There is static room for some functions.
 */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                             void *handle);

static void fork_child(void)
{
        waking_fork_child();
        claim_fork_child();
}

static void __attribute__((constructor)) start(int argc, char **argv, char **envp)
{
        struct kept_environment passed;
        struct kept_left left;
        const char *level;
        bool begun;

        (void)argc;
        (void)argv;

        next_resolve_always();
        environment_open(envp);
        log_open(environment_get(ENVIRONMENT_JOURNAL_STREAM));

        level = environment_get(ENVIRONMENT_LOG_LEVEL);
        if (level && !log_set_level(level))
                log_message(LOG_WARNING, "IP2UNIX_LOG_LEVEL: unknown level '", level, "'");

        rule_set_load();
        (void)__register_atfork(waking_fork_prepare, waking_fork_parent, fork_child, NULL);

        passed = (struct kept_environment){
                .listen_fds = environment_get(ENVIRONMENT_LISTEN_FDS),
                .listen_fdnames = environment_get(ENVIRONMENT_LISTEN_FDNAMES),
                .listen_pid = environment_get(ENVIRONMENT_LISTEN_PID),
                .ip2unix_fds = environment_get(ENVIRONMENT_FDS),
        };
        mark_may_be_inherited = passed.ip2unix_fds;
        if (mark_may_be_inherited)
                next_need_sockets();
        left = kept_open(&passed, activation_wants);
        begun = passed.ip2unix_fds && *passed.ip2unix_fds && kept_count() == 0;
        inheritance_open(begun);
        environment_show_passed(envp, left.count, left.names);
        environment_publish_fds(envp, mark_may_be_inherited, begun);
}

/* What exit(3) does in the end, after the program's own functions. */
static void __attribute__((destructor)) end(void)
{
        hook_close_listeners();
}
