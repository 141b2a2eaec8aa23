/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <string.h>

#include "rules/text.h"

static void test_pieces(void **state)
{
        char buffer[64];
        struct text text;

        (void)state;
        text_init(&text, buffer, sizeof(buffer));
        assert_string_equal(buffer, "");
        text_add_string(&text, "ab");
        assert_string_equal(buffer, "ab");
        text_add_bytes(&text, "cde", 2);
        text_add_bytes(&text, NULL, 0);
        text_add_char(&text, '!');
        assert_int_equal(text_finish(&text), 5);
        assert_string_equal(buffer, "abcd!");
        assert_false(text.overflow);
}

static void assert_unsigned(uint64_t number, void (*add)(struct text *, uint64_t),
                            const char *expected)
{
        char buffer[64];
        struct text text;

        text_init(&text, buffer, sizeof(buffer));
        add(&text, number);
        assert_int_equal(text_finish(&text), strlen(expected));
        assert_string_equal(buffer, expected);
}

static void assert_signed(int64_t number, const char *expected)
{
        char buffer[64];
        struct text text;

        text_init(&text, buffer, sizeof(buffer));
        text_add_signed(&text, number);
        assert_int_equal(text_finish(&text), strlen(expected));
        assert_string_equal(buffer, expected);
}

static void test_numbers(void **state)
{
        (void)state;
        assert_unsigned(0, text_add_unsigned, "0");
        assert_unsigned(9, text_add_unsigned, "9");
        assert_unsigned(10, text_add_unsigned, "10");
        assert_unsigned(UINT64_MAX, text_add_unsigned, "18446744073709551615");
        assert_signed(0, "0");
        assert_signed(-1, "-1");
        assert_signed(INT64_MAX, "9223372036854775807");
        assert_signed(INT64_MIN, "-9223372036854775808");
        assert_unsigned(0, text_add_octal, "0000");
        assert_unsigned(0660, text_add_octal, "0660");
        assert_unsigned(01777, text_add_octal, "01777");
        assert_unsigned(UINT64_MAX, text_add_octal, "01777777777777777777777");
        assert_unsigned(0, text_add_hexadecimal, "0");
        assert_unsigned(0xabc, text_add_hexadecimal, "abc");
        assert_unsigned(UINT64_MAX, text_add_hexadecimal, "ffffffffffffffff");
}

static void test_overflow(void **state)
{
        char buffer[5] = "xxxx";
        struct text text;

        (void)state;
        text_init(&text, buffer, 4);
        text_add_string(&text, "abc");
        assert_false(text.overflow);
        assert_int_equal(text_finish(&text), 3);

        text_add_string(&text, "");
        assert_false(text.overflow);
        text_add_char(&text, 'd');
        assert_true(text.overflow);
        assert_int_equal(text_finish(&text), -ENOBUFS);
        assert_string_equal(buffer, "abc");
        assert_int_equal(buffer[4], '\0');
}

static void assert_cut(const char *string, size_t size, const char *expected)
{
        char buffer[16];
        struct text text;

        text_init(&text, buffer, size);
        text_add_string(&text, string);
        assert_int_equal(text_finish(&text), -ENOBUFS);
        assert_string_equal(buffer, expected);

        /* What comes later is not glued to what is left, even where there is room again. */
        text_add_char(&text, 'z');
        assert_int_equal(text_finish(&text), -ENOBUFS);
        assert_string_equal(buffer, expected);
}

static void test_cut_at_characters(void **state)
{
        (void)state;
        assert_cut("abc", 1, "");
        assert_cut("ab\xc3\xa4x", 4, "ab");
        assert_cut("ab\xc3\xa4x", 5, "ab\xc3\xa4");
        assert_cut("\xf0\x9f\x98\x80x", 2, "");
        assert_cut("\xf0\x9f\x98\x80x", 3, "");
        assert_cut("\xf0\x9f\x98\x80x", 4, "");
        assert_cut("\xf0\x9f\x98\x80x", 5, "\xf0\x9f\x98\x80");
        assert_cut("\x80\x80\x80\x80\x80x", 5, "\x80\x80\x80\x80");
}

static void assert_printable(const char *bytes, size_t length, const char *expected)
{
        char buffer[64];
        struct text text;

        text_init(&text, buffer, sizeof(buffer));
        text_add_printable(&text, bytes, length);
        assert_int_equal(text_finish(&text), strlen(expected));
        assert_string_equal(buffer, expected);
}

static void test_printable(void **state)
{
        (void)state;
        assert_printable("a b\xc3\xa4", 5, "a b\xc3\xa4");
        assert_printable("a\0b\n\x1b\x7f", 6, "a\\x00b\\x0a\\x1b\\x7f");
        assert_printable("\xff\xc3", 2, "\\xff\\xc3");
        assert_printable("\xc2\x85\xe2\x80\xa8", 5, "\\xc2\\x85\\xe2\\x80\\xa8");
        assert_printable("\xc2\xa0", 2, "\xc2\xa0");
}

static void assert_quoted(size_t length, const char *end)
{
        char word[128], buffer[256];
        struct text text;

        memset(word, 'a', sizeof(word));
        text_init(&text, buffer, sizeof(buffer));
        text_add_quoted(&text, word, length);
        assert_int_equal(text_finish(&text), (length > 64 ? 65 : length) + (length > 64 ? 0 : 2));
        assert_int_equal(buffer[0], '\'');
        assert_string_equal(text.next - strlen(end), end);
}

static void test_quoted(void **state)
{
        (void)state;
        assert_quoted(0, "''");
        assert_quoted(1, "'a'");
        assert_quoted(64, "aaa'");
        assert_quoted(65, "aaa...'");
        assert_quoted(128, "aaa...'");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pieces),    cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_overflow),  cmocka_unit_test(test_cut_at_characters),
                cmocka_unit_test(test_printable), cmocka_unit_test(test_quoted),
        };

        return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
