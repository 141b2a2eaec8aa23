# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs and libraries: what they import from the C library, and which are out of reach."""

import mmap
import os
import struct
import subprocess
import sys

# Where installed programs and libraries are.
INSTALLED = ('/usr/bin', '/usr/sbin', '/usr/lib', '/usr/libexec', '/usr/local')

ET_EXEC, ET_DYN = 2, 3
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


def text_at(data, offset):
    return data[offset:data.find(b'\0', offset)].decode('ascii', 'replace')


def undefined_names(data):
    """What an object takes from others: the symbols without a section in .dynsym."""
    every = list(sections(data))
    names = set()
    for kind, offset, size, link in every:
        if kind == SHT_DYNSYM:
            strings = every[link][1]
            for name, section in SYMBOL.iter_unpack(data[offset:offset + size]):
                if section == 0:
                    names.add(text_at(data, strings + name))
    return names


def imports(path):
    """The names that the object imports. None for what is not of this machine's kind."""
    with open(path, 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[4:6] != b'\2\1':
            return None
        try:
            return undefined_names(data)
        except (struct.error, IndexError):
            return None


def why_out_of_reach(path):
    """Programs that preloading does nothing to; None for others, and for libraries."""
    result = subprocess.run(['readelf', '-lSW', path], capture_output=True, text=True, check=False)
    if '.note.go.buildid' in result.stdout:
        return 'Go'
    # Guile's compiled modules are ELF files, and no programs.
    is_program = 'LOAD' in result.stdout and '.guile.' not in result.stdout
    return 'static' if is_program and 'DYNAMIC' not in result.stdout else None


def progress(done, total):
    if sys.stderr.isatty():
        print(f'\r{done} of {total}', end='' if done < total else '\n', file=sys.stderr)
