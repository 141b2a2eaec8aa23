/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/program.h"
#include <link.h>
#include <stdbool.h>

/*
 * Look at an ELF file (elf(5)). Errors: -EIO when it is cut off, else those of pread(2).
 */
int program_elf_inspect(int fd, enum program_kind *ret);

/* Whether a file with this header is for the same word size and processor as our library. */
bool program_elf_is_native(const ElfW(Ehdr) * header);
