/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd accepts as text in a unit file. */

#include <stdbool.h>
#include <stddef.h>

/*
 * Length in bytes of the character at text, or 0 when there is none that systemd takes: besides
 * what is not UTF-8, it drops lines with Unicode's noncharacters.
 */
size_t unit_text_character(const char *text, size_t length);

bool unit_text_is_valid(const char *text, size_t length);

/* A control character of ASCII, the tab included. */
bool unit_text_is_control(char c);

/* Whether a value is one that systemd reads as true. */
bool unit_text_is_true(const char *value);
