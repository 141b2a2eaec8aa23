/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words of a value in a unit file, by the quoting rules of systemd.syntax(7). */

/*
 * Take the next word off a text, its quotes and C escapes undone.
 *
 * text: moved behind the word. ret: owned by the caller.
 * Returns 1, or 0 when there is none left.
 * Errors: -EINVAL for an open quote or an unknown escape, -ENOMEM.
 */
int word_next(const char **text, char **ret);
