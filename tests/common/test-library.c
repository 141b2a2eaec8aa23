/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/library.h"
#include "common/root.h"
#include "tests/common/scratch.h"

/* e_type in the header: ET_DYN and ET_EXEC (elf(5)). */
#define SHARED     "printf '\\003' | dd of=file bs=1 seek=16 conv=notrunc status=none"
#define EXECUTABLE "printf '\\002' | dd of=file bs=1 seek=16 conv=notrunc status=none"

/* Files made by a shell command, "$make file" being make-elf.py. */
static const struct {
        const char *command;
        int error;
} files[] = {
        {"$make file && " SHARED, 0},
        {"$make file note sections && " SHARED, 0},
        {"$make file && " EXECUTABLE, -ENOEXEC},
        {"$make file foreign && " SHARED, -ENOEXEC},
        /* Cut within a segment, the program header and the header. */
        {"$make file && " SHARED " && truncate -s -1 file", -ENOEXEC},
        {"$make file && " SHARED " && truncate -s 70 file", -ENOEXEC},
        {"$make file && " SHARED " && truncate -s 40 file", -ENOEXEC},
        {": >file", -ENOEXEC},
        {"yes | head -c 9999 >file", -ENOEXEC},
        {"mkfifo file", -ENOEXEC},
        {"mkdir file", -ENOEXEC},
};

static const char *make_elf;

static void test_files(void **state)
{
        for (size_t i = 0; i < N_ELEMENTS(files); i++) {
                _cleanup_close_ int fd = -1;
                char command[2 * PATH_MAX];

                snprintf(command, sizeof(command), "rm -rf file && make='%s' && %s", make_elf,
                         files[i].command);
                scratch_run(*state, command);
                fd = root_open(*state, "/file", O_RDONLY);
                assert_true(fd >= 0);
                if (library_check(fd) != files[i].error)
                        fail_msg("%s: %s", files[i].command, library_error(library_check(fd)));
        }
}

static void test_words(void **state)
{
        (void)state;
        assert_string_equal(library_error(-ENOEXEC), "not a shared library for this machine");
        assert_string_equal(library_error(-EACCES), strerror(EACCES));
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_files, scratch_make, scratch_remove),
                cmocka_unit_test(test_words),
        };

        make_elf = argc > 1 ? argv[1] : "make-elf.py";
        return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
