/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "rules/parser.h"

void complaint_begin(struct complaint *complaint, const struct parser *parser, struct span at)
{
        complaint->error.offset = at.start == NULL ? 0 : (size_t)(at.start - parser->text.start);
        complaint->error.length = at.start == NULL ? 0 : at.length;
        text_init(&complaint->message, complaint->error.message, sizeof(complaint->error.message));
}

void complaint_add_keyword(struct complaint *complaint, const struct keyword *keyword)
{
        text_add_char(&complaint->message, '\'');
        text_add_string(&complaint->message, keyword->name);
        text_add_string(&complaint->message, keyword->value == VALUE_NEEDED ? "='" : "'");
}

int complaint_fail(struct complaint *complaint, struct parser *parser)
{
        text_finish(&complaint->message);
        *parser->error = complaint->error;
        return -EINVAL;
}

void complaint_warn(struct complaint *complaint, const struct parser *parser)
{
        text_finish(&complaint->message);
        if (parser->warn != NULL)
                parser->warn(&complaint->error, parser->userdata);
}

int parser_fail(struct parser *parser, struct span at, const char *before, const char *after)
{
        struct complaint complaint;

        if (at.length == 0)
                at = parser->item;
        complaint_begin(&complaint, parser, at);
        text_add_string(&complaint.message, before);
        text_add_quoted(&complaint.message, at.start, at.length);
        text_add_string(&complaint.message, after);
        return complaint_fail(&complaint, parser);
}
