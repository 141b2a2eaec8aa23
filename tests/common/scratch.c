/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/common/scratch.h"

#include "tests/rules/cmocka-all.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int scratch_make(void **state)
{
        char *directory = strdup("/tmp/ip2unix-test-XXXXXX");

        *state = directory;
        return directory && mkdtemp(directory) ? 0 : -1;
}

int scratch_remove(void **state)
{
        scratch_run(*state, "rm -rf \"$PWD\"");
        free(*state);
        return 0;
}

/* Make the directories above a path; ret: the whole path. */
static void make_way(const char *directory, const char *path, char ret[static PATH_MAX])
{
        char command[PATH_MAX];

        snprintf(ret, PATH_MAX, "%s/%s", directory, path);
        snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s')\"", path);
        scratch_run(directory, command);
}

void scratch_write(const char *directory, const char *path, const char *text)
{
        char whole[PATH_MAX];
        FILE *file;

        make_way(directory, path, whole);
        file = fopen(whole, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

void scratch_link(const char *directory, const char *path, const char *target)
{
        char whole[PATH_MAX];

        make_way(directory, path, whole);
        assert_int_equal(symlink(target, whole), 0);
}

void scratch_run(const char *directory, const char *command)
{
        char whole[2 * PATH_MAX];

        assert_true(snprintf(whole, sizeof(whole), "cd '%s' && %s", directory, command) <
                    (int)sizeof(whole));
        assert_int_equal(system(whole), 0);
}
