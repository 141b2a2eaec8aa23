/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <string.h>

#include "common/buffer.h"
#include "generator/unit-file.h"

static int note(const char *section, const char *key, const char *value, void *userdata)
{
        buffer_printf(userdata, "%s.%s=%s|", section, key, value);
        return 0;
}

static const struct {
        const char *text;
        const char *assignments;
} cases[] = {
        {"", ""},
        {"[A]\nb=c\n", "A.b=c|"},
        {"[A]\nb=c", "A.b=c|"},
        {"  [A]  \n\t b = c d \n", "A.b=c d|"},
        {"[A]\nb=\nb==\n", "A.b=|A.b==|"},
        {"b=c\n[A]\n", ""},
        {"[A]\n#b=1\n;b=2\n  # b=3\nb=4 # 5\n", "A.b=4 # 5|"},
        {"[A]\nb=1 \\\n  2\\\n3\n", "A.b=1    2 3|"},
        {"[A]\nb=1 \\\n# no end\n; nor here\n2\nc=3\n", "A.b=1  2|A.c=3|"},
        {"[A]\nb=1 \\\n\nc=3\n", "A.b=1|A.c=3|"},
        {"[A]\nb=1\\\\\nc=3\n", "A.b=1\\\\|A.c=3|"},
        {"[A]\nb=1\\", "A.b=1|"},
        {"[A\nb=1\n[B]\nc=2\n", "B.c=2|"},
        {"[A]\nnonsense\nb=1\n", "A.b=1|"},
        {"\xef\xbb\xbf[A]\r\nb=1\r\n", "A.b=1|"},
        {"[A]\nb=1\rc=2\n", "A.b=1|A.c=2|"},
        {"[A]\nb=\xff\nc=2\n", "A.c=2|"},
};

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct buffer seen = BUFFER_INIT;

                buffer_add(&seen, "");
                assert_int_equal(unit_file_read(cases[i].text, strlen(cases[i].text), note, &seen),
                                 0);
                assert_string_equal(seen.data, cases[i].assignments);
                buffer_clear(&seen);
        }
}

static int refuse(const char *section, const char *key, const char *value, void *userdata)
{
        (void)section;
        (void)key;
        (void)value;
        ++*(int *)userdata;
        return -EBADMSG;
}

static void test_ends_at_error(void **state)
{
        static const char text[] = "[A]\nb=1\nc=2\n";
        int calls = 0;

        (void)state;
        assert_int_equal(unit_file_read(text, strlen(text), refuse, &calls), -EBADMSG);
        assert_int_equal(calls, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_ends_at_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
