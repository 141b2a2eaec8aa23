/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer.h"
#include "generator/ini-reader.h"

static int note_section(void *userdata, unsigned line, const char *name)
{
        buffer_printf(userdata, "%u[%s]|", line, name);
        return 0;
}

static int note_value(void *userdata, unsigned line, const char *key, const char *value,
                      bool continued)
{
        buffer_printf(userdata, "%u%s%s=%s|", line, continued ? "+" : ":", key, value);
        return 0;
}

static int note_error(void *userdata, unsigned line, const char *reason)
{
        (void)reason;
        buffer_printf(userdata, "%u!|", line);
        return 0;
}

static const struct ini_reader_handlers handlers = {note_section, note_value, note_error};

static const struct {
        const char *text;
        const char *seen;
} cases[] = {
        {"", ""},
        {"[a]\nb=c\n", "1[a]|2:b=c|"},
        {"[a]\nb=c", "1[a]|2:b=c|"},
        {"\n\n[a]\n\nb = c d \n", "3[a]|5:b=c d|"},
        {"[a]\n[b]\n", "1[a]|2[b]|"},
        {"[a]\nb=c ; d # e\nf=;\n", "1[a]|2:b=c ; d # e|3:f=;|"},
        {"[a]\n;b=c\n#d=e\n ;f=g\nh=i\n", "1[a]|5:h=i|"},
        {"[a]\nb=c\n  d ; e\n\tf=g\n", "1[a]|2:b=c|3+b=d ; e|4+b=f=g|"},
        {"[a]\n b=c\n d\n", "1[a]|2:b=c|3+b=d|"},
        {"[a]\nb=c\n\n  d\n", "1[a]|2:b=c|4+b=d|"},
        {"[a]\nb=c\n[d]\n e=f\n", "1[a]|2:b=c|3[d]|4:e=f|"},
        {"[a]\nb=c\n [d]\n", "1[a]|2:b=c|3+b=[d]|"},
        {"[a]\nb=\nc==d\n", "1[a]|2:b=|3:c==d|"},
        {"[a]\nb: c\nd:e=f\ng=h:i\n", "1[a]|2!|3!|4:g=h:i|"},
        {"[a]\n=b\n =b\nc d=e\n", "1[a]|2!|3!|4!|"},
        {"[a]\nnonsense\n", "1[a]|2!|"},
        {"[a\nb=c\n d\n[e]\nf=g\n", "1!|4[e]|5:f=g|"},
        {"[a]\nb=c\n[d\n [e]\n f=g\n h\n", "1[a]|2:b=c|3!|4[e]|5:f=g|6+f=h|"},
        {"[a] b\nc=d\n", "1!|"},
        {"[]\na=b\n", "1[]|2:a=b|"},
        {"[a ;b]\nc=d\n", "1[a ;b]|2:c=d|"},
        {"[a]\r\nb=c\r\n", "1[a]|2:b=c|"},
        {"[a]\nb=c\rd=e\n", "1[a]|2!|"},
        {"[a]\nb=\x01\n", "1[a]|2!|"},
        {"[a]\nb=\xff\n", "1[a]|2!|"},
        {"\xef\xbb\xbf[a]\nb=c\n", "1[a]|2:b=c|"},
        {"[a]\n\xef\xbb\xbf"
         "b=c\n",
         "1[a]|2!|"},
};

static void check(const char *text, size_t size, const char *expected)
{
        struct buffer seen = BUFFER_INIT;

        buffer_add(&seen, "");
        assert_int_equal(ini_reader_read(text, size, &handlers, &seen), 0);
        assert_string_equal(seen.data, expected);
        buffer_clear(&seen);
}

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++)
                check(cases[i].text, strlen(cases[i].text), cases[i].seen);
}

static void test_nul(void **state)
{
        static const char text[] = "[a]\nb=c\0d=e\nf=g\n";

        (void)state;
        check(text, sizeof(text) - 1, "1[a]|2!|3:f=g|");
}

/* Lines of every length around the limits come through whole or are refused, never cut. */
static void test_lengths(void **state)
{
        static const size_t lengths[] = {48, 49, 197, 198, 199, 200, 201, 4000, 65533, 65534};

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(lengths); i++) {
                struct buffer text = BUFFER_INIT, expected = BUFFER_INIT;

                buffer_add(&text, "[a]\nb=");
                buffer_add(&expected, "1[a]|2:b=");
                for (size_t j = 0; j < lengths[i] - 2; j++) {
                        buffer_add_char(&text, 'x');
                        buffer_add_char(&expected, 'x');
                }
                buffer_add(&text, "\nc=d\n");
                buffer_add(&expected, "|3:c=d|");
                check(text.data, text.length, expected.data);
                buffer_clear(&text);
                buffer_clear(&expected);
        }
}

static void test_too_long(void **state)
{
        static const size_t lengths[] = {65535, 65536, 65537, 131072, 200000};

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(lengths); i++) {
                struct buffer text = BUFFER_INIT;

                buffer_add(&text, "[a]\nb=");
                for (size_t j = 0; j < lengths[i] - 2; j++)
                        buffer_add_char(&text, '=');
                buffer_add(&text, "\nc=d\n");
                check(text.data, text.length, "1[a]|2!|3:c=d|");
                buffer_clear(&text);
        }
}

static int fail_value(void *userdata, unsigned line, const char *key, const char *value,
                      bool continued)
{
        note_value(userdata, line, key, value, continued);
        return -EBADMSG;
}

static void test_handler_fails(void **state)
{
        static const struct ini_reader_handlers failing = {note_section, fail_value, note_error};
        static const char text[] = "[a]\nb=1\nc=2\n[d]\nnonsense\n";
        struct buffer seen = BUFFER_INIT;

        (void)state;
        assert_int_equal(ini_reader_read(text, strlen(text), &failing, &seen), -EBADMSG);
        assert_string_equal(seen.data, "1[a]|2:b=1|");
        buffer_clear(&seen);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),         cmocka_unit_test(test_nul),
                cmocka_unit_test(test_lengths),       cmocka_unit_test(test_too_long),
                cmocka_unit_test(test_handler_fails),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
