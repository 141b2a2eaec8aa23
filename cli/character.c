/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/character.h"

#include "rules/text.h"
#include "rules/utf8.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

struct character character_at(const char *text, size_t length)
{
        struct character character;
        struct text shown;
        uint32_t code;
        size_t size = utf8_decode(text, length, &code);
        int width = size > 0 ? wcwidth((wchar_t)code) : -1;

        character.length = size > 0 ? size : 1;
        text_init(&shown, character.shown, sizeof(character.shown));
        text_add_printable(&shown, text, character.length);
        text_finish(&shown);
        if (size == 0 || strncmp(character.shown, text, size) != 0)
                character.width = strlen(character.shown);
        else
                /* What is too new for wcwidth() takes one column, like most. */
                character.width = width >= 0 ? (size_t)width : 1;
        return character;
}

size_t text_width(const char *text, size_t length)
{
        size_t width = 0;

        while (length > 0) {
                struct character character = character_at(text, length);

                width += character.width;
                text += character.length;
                length -= character.length;
        }
        return width;
}

size_t terminal_columns(int fd, size_t fallback)
{
        const char *columns = getenv("COLUMNS");
        unsigned long number = columns ? strtoul(columns, NULL, 10) : 0;
        struct winsize size;

        if (!isatty(fd))
                return fallback;
        if (number > 0 && number < 10000)
                return number;
        return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : fallback;
}
