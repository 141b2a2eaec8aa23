/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/root.h"
#include "tests/common/scratch.h"

/* What reading a path gives: a text, or an error. */
static const struct {
        const char *path;
        const char *text;
        int error;
} cases[] = {
        {"/etc/file", "inside", 0},
        {"//etc/./../etc//file", "inside", 0},
        {"/../../etc/file", "inside", 0},
        {"/absolute", "inside", 0},
        {"/relative", "inside", 0},
        {"/etc/up", "inside", 0},
        {"/chain", "inside", 0},
        {"/dir/file", "inside", 0},
        {"/etc/passwd", NULL, -ENOENT},
        {"/escape", NULL, -ENOENT},
        {"/escape-dir/passwd", NULL, -ENOENT},
        {"/loop", NULL, -ELOOP},
        {"/dangling", NULL, -ENOENT},
        {"/etc/file/x", NULL, -ENOTDIR},
        {"/etc", NULL, -EISDIR},
        {"/", NULL, -EISDIR},
        {"/fifo", NULL, -EINVAL},
        {"/big", NULL, -EFBIG},
};

static void test_cases(void **state)
{
        const char *root = *state;

        scratch_write(root, "etc/file", "inside");
        scratch_write(root, "big", "0123456789");
        scratch_link(root, "absolute", "/etc/file");
        scratch_link(root, "relative", "etc/file");
        scratch_link(root, "etc/up", "../../../../../etc/file");
        scratch_link(root, "chain", "/absolute");
        scratch_link(root, "dir", "/etc");
        scratch_link(root, "escape", "/etc/passwd");
        scratch_link(root, "escape-dir", "../../../../../../etc");
        scratch_link(root, "loop", "loop");
        scratch_link(root, "dangling", "nowhere");
        scratch_run(root, "mkfifo fifo");
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                char *data = NULL;
                size_t size;

                assert_int_equal(root_read(root, cases[i].path, 9, &data, &size), cases[i].error);
                if (cases[i].error == 0) {
                        assert_int_equal(size, strlen(cases[i].text));
                        assert_string_equal(data, cases[i].text);
                }
                free(data);
        }
}

static void test_long_name(void **state)
{
        char path[400];
        int fd;

        memset(path, 'x', sizeof(path) - 1);
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        /* Cut to what fits, it must not be taken for a file of that shorter name. */
        scratch_run(*state, "touch $(head -c 255 /dev/zero | tr '\\0' x)");
        fd = root_open(*state, path, O_RDONLY);
        assert_int_equal(fd, -ENAMETOOLONG);
}

static void test_host(void **state)
{
        int fd = root_open(ROOT_HOST, "/etc", O_RDONLY | O_DIRECTORY);

        (void)state;
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_cases, scratch_make, scratch_remove),
                cmocka_unit_test_setup_teardown(test_long_name, scratch_make, scratch_remove),
                cmocka_unit_test(test_host),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
