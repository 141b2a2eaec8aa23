# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs and libraries: what they import from the C library, and which are out of reach."""

import mmap
import os
import struct
import sys

# Where installed programs and libraries are.
INSTALLED = ('/usr/bin', '/usr/sbin', '/usr/lib', '/usr/libexec', '/usr/local')

ET_EXEC, ET_DYN = 2, 3
PT_DYNAMIC = 2
SHT_DYNSYM = 11
SYMBOL = struct.Struct('<I2xH16x')  # st_name, st_shndx


def is_object(path):
    """An ELF executable or shared object, not a link to one."""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    try:
        with open(path, 'rb') as file:
            head = file.read(20)
    except OSError:
        return False
    return len(head) == 20 and head[:4] == b'\x7fELF' and head[16] in (ET_EXEC, ET_DYN)


def find(folders):
    """The objects below folders, sorted."""
    found = []
    for folder in folders:
        for directory, _, files in os.walk(folder):
            paths = (os.path.join(directory, name) for name in files)
            found += [path for path in paths if is_object(path)]
    return sorted(set(found))


def sections(data):
    """Yields type, offset, size and link of each section: elf(5), 64 bits, little-endian."""
    table, = struct.unpack_from('<Q', data, 0x28)
    size, count = struct.unpack_from('<HH', data, 0x3a)
    for i in range(count):
        kind, = struct.unpack_from('<I', data, table + i * size + 4)
        yield kind, *struct.unpack_from('<QQI', data, table + i * size + 0x18)


def segment_types(data):
    table, = struct.unpack_from('<Q', data, 0x20)
    size, count = struct.unpack_from('<HH', data, 0x36)
    return {struct.unpack_from('<I', data, table + i * size)[0] for i in range(count)}


def text_at(data, offset):
    return data[offset:data.find(b'\0', offset)].decode('ascii', 'replace')


def undefined_names(data, every):
    """What an object takes from others: the symbols without a section in .dynsym."""
    names = set()
    for kind, offset, size, link in every:
        if kind == SHT_DYNSYM:
            strings = every[link][1]
            for name, section in SYMBOL.iter_unpack(data[offset:offset + size]):
                if section == 0:
                    names.add(text_at(data, strings + name))
    return names


def why_out_of_reach(data, every):
    """Why preloading does nothing to a program; None for others, and for libraries."""
    names_at, = struct.unpack_from('<H', data, 0x3e)
    _, offset, size, _ = every[names_at]
    section_names = data[offset:offset + size]
    if b'.note.go.buildid' in section_names:
        return 'Go'
    # Guile's compiled modules are ELF files, and no programs.
    if PT_DYNAMIC in segment_types(data) or b'.guile.' in section_names:
        return None
    return 'static'


def look_into(path):
    """Returns the names that the object imports, and why it is out of reach or None."""
    with open(path, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # What is of another kind of machine doesn't run here.
        if data[4:6] != b'\2\1':
            return set(), None
        try:
            every = list(sections(data))
            return undefined_names(data, every), why_out_of_reach(data, every)
        except (struct.error, IndexError):
            return set(), None


def progress(done, total):
    if sys.stderr.isatty():
        print(f'\r{done} of {total}', end='' if done < total else '\n', file=sys.stderr)
