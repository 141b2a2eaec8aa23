/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Whether stderr leads to the journal, which takes a level in front of a line ("<3>"). */
bool stderr_is_journal(void);
