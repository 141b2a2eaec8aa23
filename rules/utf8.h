/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* UTF-8 as RFC 3629 defines it, without the locale that mbrtowc(3) would ask. */

#include <stddef.h>
#include <stdint.h>

/*
 * Decode the character that stands at the start of the bytes.
 *
 * ret: its code point; may be NULL.
 * Returns the number of bytes it takes, 1 to 4, or 0 when there is no well-formed character
 * (overlong forms, surrogates and cut sequences included).
 */
size_t utf8_decode(const char *bytes, size_t length, uint32_t *ret);
