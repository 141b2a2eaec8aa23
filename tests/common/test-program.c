/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/program.h"
#include "common/root.h"
#include "tests/common/scratch.h"

static const char *make_elf;

/* Files made with make-elf.py: its words, and a shell command on the file. */
static const struct {
        const char *words;
        const char *then;
        enum program_kind kind;
} files[] = {
        {"interpreter", "true", PROGRAM_PRELOADABLE},
        {"interpreter note", "true", PROGRAM_PRELOADABLE},
        {"musl", "true", PROGRAM_OTHER_LIBC},
        {"musl go", "true", PROGRAM_GO},
        {"", "true", PROGRAM_STATIC},
        {"note", "true", PROGRAM_STATIC},
        {"go", "true", PROGRAM_GO},
        {"interpreter go", "true", PROGRAM_GO},
        {"interpreter note go", "true", PROGRAM_GO},
        {"interpreter note go-section", "true", PROGRAM_GO},
        {"interpreter note sections", "true", PROGRAM_PRELOADABLE},
        /* Names that the file does not hold, whole or in part. */
        {"interpreter go-section", "truncate -s -1 file", PROGRAM_PRELOADABLE},
        {"interpreter foreign", "true", PROGRAM_FOREIGN},
        {"interpreter", "chmod 4755 file", PROGRAM_SET_ID},
        {"interpreter", "chmod 2755 file", PROGRAM_SET_ID},
        {"interpreter", "chmod 1755 file", PROGRAM_PRELOADABLE},
};

static void test_files(void **state)
{
        for (size_t i = 0; i < N_ELEMENTS(files); i++) {
                char command[2 * PATH_MAX];
                struct program program = {.kind = PROGRAM_UNKNOWN};

                snprintf(command, sizeof(command), "'%s' file %s && %s", make_elf, files[i].words,
                         files[i].then);
                scratch_run(*state, command);
                assert_int_equal(program_inspect(*state, "/file", NULL, &program), 0);
                assert_int_equal(program.kind, files[i].kind);
        }
}

/* Cut off at every length, a file is never more than an error. */
static void test_cut(void **state)
{
        char command[2 * PATH_MAX];

        snprintf(command, sizeof(command), "'%s' file interpreter note go", make_elf);
        scratch_run(*state, command);
        for (int size = 300; size > 0; size -= 7) {
                struct program program = {.kind = PROGRAM_UNKNOWN};
                int r;

                snprintf(command, sizeof(command), "truncate -s %d file", size);
                scratch_run(*state, command);
                r = program_inspect(*state, "/file", NULL, &program);
                assert_true(r == -EIO || (r == 0 && program.kind == PROGRAM_UNKNOWN && size < 4));
        }
}

static void test_real_programs(void **state)
{
        struct program program = {.kind = PROGRAM_UNKNOWN};

        (void)state;
        assert_int_equal(program_inspect(ROOT_HOST, "/proc/self/exe", NULL, &program), 0);
        assert_int_equal(program.kind, PROGRAM_PRELOADABLE);
        assert_int_equal(program_inspect(ROOT_HOST, "sh", NULL, &program), 0);
        assert_int_equal(program.kind, PROGRAM_PRELOADABLE);
        assert_non_null(program_obstacle(PROGRAM_STATIC));
        assert_null(program_obstacle(PROGRAM_PRELOADABLE));
        assert_null(program_obstacle(PROGRAM_UNKNOWN));
}

static const struct {
        const char *path;
        const char *text;
        int error;
        enum program_kind kind;
} scripts[] = {
        {"direct", "#!/static\n", 0, PROGRAM_STATIC},
        {"blanks", "#! \t/static  -x y\n", 0, PROGRAM_STATIC},
        {"no-newline", "#!/static", 0, PROGRAM_STATIC},
        {"nested", "#!/direct\n", 0, PROGRAM_STATIC},
        {"relative", "#!static\n", 0, PROGRAM_UNKNOWN},
        {"missing", "#!/nowhere\n", -ENOENT, PROGRAM_UNKNOWN},
        {"itself", "#!/itself\n", -ELOOP, PROGRAM_UNKNOWN},
        {"env", "#!/usr/bin/env web\n", 0, PROGRAM_STATIC},
        {"env-blanks", "#!/usr/bin/env web \t\n", 0, PROGRAM_STATIC},
        {"env-path", "#!/usr/bin/env /static\n", 0, PROGRAM_STATIC},
        {"env-split", "#!/usr/bin/env -S A=b C=d web -x\n", 0, PROGRAM_STATIC},
        {"env-joined", "#!/usr/bin/env -Sweb -x\n", 0, PROGRAM_STATIC},
        {"env-script", "#!/usr/bin/env /direct\n", 0, PROGRAM_STATIC},
        {"env-missing", "#!/usr/bin/env nothing\n", -ENOENT, PROGRAM_UNKNOWN},
        {"env-option", "#!/usr/bin/env -i web\n", 0, PROGRAM_PRELOADABLE},
        {"env-quoted", "#!/usr/bin/env -S \"web\"\n", 0, PROGRAM_PRELOADABLE},
        {"env-alone", "#!/usr/bin/env\n", 0, PROGRAM_PRELOADABLE},
        {"env-static", "#!/opt/env x\n", 0, PROGRAM_STATIC},
        {"text", "echo hello\n", 0, PROGRAM_UNKNOWN},
        {"empty", "", 0, PROGRAM_UNKNOWN},
};

static void test_scripts(void **state)
{
        char command[3 * PATH_MAX];

        snprintf(command, sizeof(command),
                 "mkdir -p usr/bin opt && '%s' static && cp static opt/env &&"
                 "cp static usr/bin/web && '%s' usr/bin/env interpreter",
                 make_elf, make_elf);
        scratch_run(*state, command);
        for (size_t i = 0; i < N_ELEMENTS(scripts); i++) {
                char path[64];
                struct program program = {.kind = PROGRAM_UNKNOWN};

                scratch_write(*state, scripts[i].path, scripts[i].text);
                snprintf(path, sizeof(path), "/%s", scripts[i].path);
                assert_int_equal(program_inspect(*state, path, NULL, &program), scripts[i].error);
                if (scripts[i].error == 0)
                        assert_int_equal(program.kind, scripts[i].kind);
        }
}

/* Errors name the file that they are about. */
static void test_names(void **state)
{
        struct program program;

        scratch_write(*state, "first", "#!/second\n");
        scratch_write(*state, "second", "#!/third -x\n");
        assert_int_equal(program_inspect(*state, "/first", NULL, &program), -ENOENT);
        assert_string_equal(program.file, "/third");
        assert_true(program.is_interpreter);
        assert_int_equal(program_inspect(*state, "/zeroth", NULL, &program), -ENOENT);
        assert_string_equal(program.file, "/zeroth");
        assert_false(program.is_interpreter);
}

static void test_search_path(void **state)
{
        char nowhere[] = "/nowhere", first[] = "/usr/bin", second[] = "/usr/local/bin";
        char *const search[] = {nowhere, first, second, NULL};
        struct program program = {.kind = PROGRAM_UNKNOWN};
        char command[2 * PATH_MAX];

        assert_int_equal(program_inspect(*state, "web", NULL, &program), -ENOENT);
        snprintf(command, sizeof(command), "mkdir -p usr/bin bin && '%s' usr/bin/web interpreter",
                 make_elf);
        scratch_run(*state, command);
        assert_int_equal(program_inspect(*state, "web", NULL, &program), 0);
        assert_int_equal(program.kind, PROGRAM_PRELOADABLE);
        snprintf(command, sizeof(command), "mkdir -p usr/local/bin && '%s' usr/local/bin/web",
                 make_elf);
        scratch_run(*state, command);
        assert_int_equal(program_inspect(*state, "web", NULL, &program), 0);
        assert_int_equal(program.kind, PROGRAM_STATIC);
        assert_int_equal(program_inspect(*state, "/usr/bin", NULL, &program), -EACCES);
        assert_int_equal(program_inspect(*state, "web", search, &program), 0);
        assert_int_equal(program.kind, PROGRAM_PRELOADABLE);
        assert_int_equal(program_inspect(*state, "sh", search, &program), -ENOENT);
}

#define SCRATCH_TEST(function)                                                                     \
        cmocka_unit_test_setup_teardown(function, scratch_make, scratch_remove)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_files),       SCRATCH_TEST(test_cut),
                SCRATCH_TEST(test_scripts),     SCRATCH_TEST(test_names),
                SCRATCH_TEST(test_search_path), cmocka_unit_test(test_real_programs),
        };

        if (argc < 2)
                return 2;
        make_elf = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
