/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <string.h>

#include "rules/utf8.h"

static const struct {
        const char *bytes;
        size_t size; /* 0: malformed */
        uint32_t code;
} cases[] = {
        {"a", 1, 'a'},
        {"\x7f", 1, 0x7f},
        {"\xc2\x80", 2, 0x80},
        {"\xdf\xbf", 2, 0x7ff},
        {"\xe0\xa0\x80", 3, 0x800},
        {"\xed\x9f\xbf", 3, 0xd7ff},
        {"\xee\x80\x80", 3, 0xe000},
        {"\xef\xbf\xbf", 3, 0xffff},
        {"\xf0\x90\x80\x80", 4, 0x10000},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\xc3\xa4z", 2, 0xe4},
        {"\x80", 0, 0},
        {"\xbf", 0, 0},
        {"\xc0\x80", 0, 0}, /* overlong */
        {"\xc1\xbf", 0, 0},
        {"\xe0\x9f\xbf", 0, 0},
        {"\xf0\x8f\xbf\xbf", 0, 0},
        {"\xed\xa0\x80", 0, 0}, /* surrogates */
        {"\xed\xbf\xbf", 0, 0},
        {"\xf4\x90\x80\x80", 0, 0}, /* beyond the last */
        {"\xf8\x88\x80\x80\x80", 0, 0},
        {"\xff", 0, 0},
        {"\xc3", 0, 0}, /* cut */
        {"\xe2\x82", 0, 0},
        {"\xf0\x90\x80", 0, 0},
        {"\xc3z", 0, 0},
        {"\xe2\x82z", 0, 0},
        {"\xe2z\x82", 0, 0},
};

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                uint32_t code = 0;

                assert_int_equal(utf8_decode(cases[i].bytes, strlen(cases[i].bytes), &code),
                                 cases[i].size);
                assert_int_equal(code, cases[i].code);
                assert_int_equal(utf8_decode(cases[i].bytes, strlen(cases[i].bytes), NULL),
                                 cases[i].size);
        }
}

static void test_nothing(void **state)
{
        (void)state;
        assert_int_equal(utf8_decode("a", 0, NULL), 0);
}

static void test_nul(void **state)
{
        uint32_t code = 1;

        (void)state;
        assert_int_equal(utf8_decode("\0", 1, &code), 1);
        assert_int_equal(code, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_nul),
        };

        return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
