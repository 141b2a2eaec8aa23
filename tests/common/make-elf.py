#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write an ELF file that has nothing but what a look at its headers finds.

    make-elf.py FILE [interpreter | musl] [go] [note] [foreign] [sections] [go-section]

Without words it is a static program for this machine.
"""

import struct
import sys

PT_LOAD, PT_INTERP, PT_NOTE = 1, 3, 4


def note(name, kind, text):
    padded = text + b'\0' * (-len(text) % 4)
    return struct.pack('=III', len(name), len(text), kind) + name + padded


SEGMENTS = {
    'interpreter': (PT_INTERP, b'/lib/ld.so\0'),
    'musl': (PT_INTERP, b'/lib/ld-musl-x86_64.so.1\0'),
    'go': (PT_NOTE, note(b'Go\0\0', 4, b'an id of some length/and more')),
    'note': (PT_NOTE, note(b'GNU\0', 3, b'0123456789') + note(b'Gopher\0\0', 4, b'x')),
}

path, *words = sys.argv[1:]
with open('/proc/self/exe', 'rb') as own:
    header = bytearray(own.read(64))
segments = [(PT_LOAD, b'code')] + [SEGMENTS[word] for word in words if word in SEGMENTS]
if 'foreign' in words:
    header[18] ^= 1  # e_machine
struct.pack_into('=Q', header, 32, 64)  # e_phoff
struct.pack_into('=HH', header, 54, 56, len(segments))  # e_phentsize, e_phnum
table, body = b'', b''
for kind, data in segments:
    offset = 64 + 56 * len(segments) + len(body)
    table += struct.pack('=IIQQQQQQ', kind, 4, offset, 0, 0, len(data), len(data), 4)
    body += data
names = b'\0.text\0.shstrtab\0' + (b'.go.buildinfo\0' if 'go-section' in words else b'')
sections = b''
if {'sections', 'go-section'} & set(words):
    at = 64 + len(table) + len(body)
    body += names
    starts = [0, 1, 7] + ([17] if 'go-section' in words else [])
    for start in starts:
        sections += struct.pack('=IIQQQQIIQQ', start, 3, 0, 0, at, len(names), 0, 0, 1, 0)
    struct.pack_into('=Q', header, 40, at + len(names))  # e_shoff
    struct.pack_into('=HHH', header, 58, 64, len(starts), 2)  # e_shentsize, e_shnum, e_shstrndx
else:
    struct.pack_into('=Q', header, 40, 0)
    struct.pack_into('=HHH', header, 58, 0, 0, 0)
with open(path, 'wb') as file:
    file.write(header + table + body + sections)
