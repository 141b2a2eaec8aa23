/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/buffer.h"

/*
 * Append a text of a template's rules, with a name in the place of each %i that escape_in_word()
 * leaves to systemd.
 */
void instance_fill(struct buffer *buffer, const char *text, const char *name);
