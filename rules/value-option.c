/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of options: what the socket file is like, and what the peer's address carries. */

#include <errno.h>
#include <string.h>

#include "rules/parser.h"
#include "rules/suggest.h"

/* Longest name of an account that useradd(8) and systemd's user names have room for. */
#define ACCOUNT_LENGTH_MAX 255

int set_noremove(struct parser *parser, const struct keyword *keyword, struct span value)
{
        (void)keyword;
        (void)value;
        parser->rule.noremove = true;
        return 0;
}

int set_mode(struct parser *parser, const struct keyword *keyword, struct span value)
{
        unsigned mode = 0;
        bool valid = value.length <= 4;

        (void)keyword;
        for (size_t i = 0; i < value.length && valid; i++) {
                valid = value.start[i] >= '0' && value.start[i] <= '7';
                mode = mode << 3 | (unsigned)(value.start[i] - '0');
        }
        if (!valid || mode > 0777)
                return parser_fail(parser, value, "",
                                   " is not an octal file mode from 0000 to 0777");
        parser->rule.mode = (mode_t)mode;
        return 0;
}

/*
 * Names are looked up by whoever creates the socket. Refused here is what no account can be called:
 * passwd(5) is made of lines of fields between ':', and (uid_t) -1 means "nobody at all" to
 * chown(2).
 */
static bool is_account(struct span name)
{
        size_t digits = 0;
        uint64_t number = 0;

        if (name.length > ACCOUNT_LENGTH_MAX)
                return false;
        for (size_t i = 0; i < name.length; i++) {
                char c = name.start[i];

                if (c == ':' || c == '/' || c == ' ' || c == ',' || c == '\\')
                        return false;
                if (c >= '0' && c <= '9' && digits++ < 10)
                        number = number * 10 + (uint64_t)(c - '0');
        }
        return digits < name.length || (digits <= 10 && number < UINT32_MAX);
}

int set_owner(struct parser *parser, const struct keyword *keyword, struct span value)
{
        bool is_user = keyword->slot == SLOT_USER;

        if (!is_account(value))
                return parser_fail(parser, value, "",
                                   is_user ? " can't be a user's name or number"
                                           : " can't be a group's name or number");
        return parser_take_string(parser, value,
                                  is_user ? &parser->rule.user : &parser->rule.group);
}

int set_peer(struct parser *parser, const struct keyword *keyword, struct span value)
{
        static const char *const known[] = {"credentials", NULL};

        (void)keyword;
        if (!span_is(value, known[0]))
                return parser_fail(parser, value, "unknown value ",
                                   suggest(value.start, value.length, known) != NULL
                                           ? " of 'peer=', did you mean 'credentials'?"
                                           : " of 'peer=': there is 'credentials' alone");
        parser->rule.peer_credentials = true;
        return 0;
}
