/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * systemd's variables are hidden from the program, everything else is left as it was. argv:
 * variables that must be there with their values, or with "!" in front must not.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static bool is_in_environ(const char *name)
{
        for (char **variable = environ; *variable; variable++)
                if (strncmp(*variable, name, strlen(name)) == 0 && (*variable)[strlen(name)] == '=')
                        return true;

        return false;
}

/*
 * Programs that change their title in ps(1) write over the memory from argv[0] to the end of the
 * last variable, in which execve(2) has laid out both: avahi-daemon did so, and died.
 */
static void check_layout(const char *first)
{
        const char *last = NULL;

        for (char **variable = environ; *variable; variable++)
                last = *variable;
        ok(last > first && last - first < 1 << 20, "the last variable is behind the arguments");
}

/*
 * The last string is one of execve(2)'s, which are between those of the arguments and the name of
 * the program: what changes its title takes all up to there for its own.
 */
static void check_end(char **argv)
{
        char **last = environ;

        while (last[1])
                last++;
        ok(*last > argv[0] && *last < (char *)getauxval(AT_EXECFN), "the last string was there");
}

int main(int argc, char **argv)
{
        check_end(argv);
        check_layout(argv[0]);
        for (int i = 1; i < argc; i++) {
                char *value = strchr(argv[i], '=');

                if (*argv[i] == '!') {
                        ok(!getenv(argv[i] + 1), "getenv does not find %s", argv[i] + 1);
                        ok(!is_in_environ(argv[i] + 1), "environ has no %s", argv[i] + 1);
                        continue;
                }
                *value++ = 0;
                is(getenv(argv[i]) ? getenv(argv[i]) : "(none)", value, "%s is as it was", argv[i]);
        }

        ok(serves(0, listen_at("127.0.0.1:80")), "the socket is there");
        clearenv();
        setenv("LISTEN_FDS", "1", true);
        is(getenv("LISTEN_FDS"), "1", "the program may set what it likes");
        return tap_end();
}
