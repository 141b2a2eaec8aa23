/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/program-elf.h"

#include "common/cleanup.h"
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Notes of programs are a few hundred bytes; a longer segment of them is not looked through. */
#define NOTES_SIZE_MAX (64 * 1024)

/* .note.go.buildid */
#define GO_NOTE_NAME "Go"
#define GO_NOTE_TYPE 4

#define GO_SECTION ".go.buildinfo"

/* The names of a program's sections are a few hundred bytes, too. */
#define NAMES_SIZE_MAX (64 * 1024)

static int read_at(int fd, void *data, size_t size, uint64_t offset)
{
        ssize_t n = pread(fd, data, size, (off_t)offset);

        if (n < 0)
                return -errno;
        return (size_t)n == size ? 0 : -EIO;
}

/* Our library is built as this very program is, so that its own header is the one to compare with.
 */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

bool program_elf_is_native(const ElfW(Ehdr) * header)
{
        return header->e_ident[EI_CLASS] == __ehdr_start.e_ident[EI_CLASS] &&
               header->e_ident[EI_DATA] == __ehdr_start.e_ident[EI_DATA] &&
               header->e_machine == __ehdr_start.e_machine &&
               header->e_phentsize == sizeof(ElfW(Phdr));
}

/*
 * Whether the dynamic loader that the program asks for is one of another C library, by its name:
 * its directory is another on many systems. Such a loader knows LD_PRELOAD, but not what our
 * library needs.
 */
static int check_loader(int fd, const ElfW(Phdr) * segment, bool *other_libc)
{
        static const char *const names[] = {"ld-musl-", "ld-uClibc", "ld64-uClibc"};
        char path[256] = "";
        const char *name;
        int r;

        if (segment->p_filesz >= sizeof(path))
                return 0;
        r = read_at(fd, path, segment->p_filesz, segment->p_offset);
        if (r < 0)
                return r;
        name = strrchr(path, '/');
        for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++)
                *other_libc = *other_libc || strncmp(name + 1, names[i], strlen(names[i])) == 0;
        return 0;
}

static size_t align(size_t size, size_t to)
{
        return (size + to - 1) & ~(to - 1);
}

static bool is_go_note(const ElfW(Nhdr) * note, const char *name)
{
        return note->n_type == GO_NOTE_TYPE && note->n_namesz >= sizeof(GO_NOTE_NAME) &&
               memcmp(name, GO_NOTE_NAME, sizeof(GO_NOTE_NAME)) == 0;
}

static bool has_go_note(const char *notes, size_t size, size_t alignment)
{
        for (size_t at = 0; size - at >= sizeof(ElfW(Nhdr));) {
                ElfW(Nhdr) note;
                size_t length;

                memcpy(&note, notes + at, sizeof(note));
                at += sizeof(note);
                length = align(note.n_namesz, alignment) + align(note.n_descsz, alignment);
                if (length > size - at)
                        return false;
                if (is_go_note(&note, notes + at))
                        return true;
                at += length;
        }
        return false;
}

static int check_notes(int fd, const ElfW(Phdr) * segment, bool *go)
{
        _cleanup_free_ char *notes = NULL;
        int r;

        if (segment->p_filesz > NOTES_SIZE_MAX)
                return 0;
        notes = malloc(segment->p_filesz + 1);
        if (!notes)
                return -ENOMEM;
        r = read_at(fd, notes, segment->p_filesz, segment->p_offset);
        if (r < 0)
                return r;
        *go = *go || has_go_note(notes, segment->p_filesz, segment->p_align == 8 ? 8 : 4);
        return 0;
}

/*
 * Whether one of the sections is one that only Go's linker makes. A program that was linked with
 * an empty build id has no note, but this one holds what "go version" reads.
 */
static bool has_go_section(const ElfW(Shdr) * sections, size_t n, const char *names, size_t size)
{
        for (size_t i = 0; i < n; i++)
                if (sections[i].sh_name < size &&
                    strcmp(names + sections[i].sh_name, GO_SECTION) == 0)
                        return true;
        return false;
}

/* Sections are for debuggers: a program runs without them, and with wrong ones. */
static int check_sections(int fd, const ElfW(Ehdr) * header, bool *go)
{
        _cleanup_free_ ElfW(Shdr) *sections = NULL;
        _cleanup_free_ char *names = NULL;
        size_t size = header->e_shnum * sizeof(ElfW(Shdr));
        const ElfW(Shdr) * table;

        if (header->e_shentsize != sizeof(ElfW(Shdr)) || header->e_shstrndx >= header->e_shnum)
                return 0;
        sections = malloc(size);
        if (!sections)
                return -ENOMEM;
        if (read_at(fd, sections, size, header->e_shoff) < 0)
                return 0;
        table = &sections[header->e_shstrndx];
        if (table->sh_size > NAMES_SIZE_MAX)
                return 0;
        names = calloc(1, table->sh_size + 1);
        if (!names)
                return -ENOMEM;
        if (read_at(fd, names, table->sh_size, table->sh_offset) < 0)
                return 0;
        *go = *go || has_go_section(sections, header->e_shnum, names, table->sh_size);
        return 0;
}

int program_elf_inspect(int fd, enum program_kind *ret)
{
        bool interpreter = false, other_libc = false, go = false;
        ElfW(Ehdr) header;
        int r = read_at(fd, &header, sizeof(header), 0);

        if (r < 0)
                return r;
        if (!program_elf_is_native(&header)) {
                *ret = PROGRAM_FOREIGN;
                return 0;
        }
        for (unsigned i = 0; i < header.e_phnum; i++) {
                ElfW(Phdr) segment;

                r = read_at(fd, &segment, sizeof(segment), header.e_phoff + i * sizeof(segment));
                if (r == 0 && segment.p_type == PT_NOTE)
                        r = check_notes(fd, &segment, &go);
                if (r == 0 && segment.p_type == PT_INTERP)
                        r = check_loader(fd, &segment, &other_libc);
                if (r < 0)
                        return r;
                interpreter = interpreter || segment.p_type == PT_INTERP;
        }
        r = go ? 0 : check_sections(fd, &header, &go);
        if (r < 0)
                return r;
        /* Most Go programs are static too, and the better word for them is what they are. */
        *ret = go             ? PROGRAM_GO
               : !interpreter ? PROGRAM_STATIC
               : other_libc   ? PROGRAM_OTHER_LIBC
                              : PROGRAM_PRELOADABLE;
        return 0;
}
