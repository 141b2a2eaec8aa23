# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of a manual page or a README, as its source marks them.

Each block of example text has a comment above it that says what kind of text it is, such as
"; example: rule-file web.conf" in scdoc and "<!-- example: shell -->" in Markdown. The comments do
not show on the page. A block without one is an error, so that no example escapes the tests.
"""

import re
from dataclasses import dataclass

MARKER = re.compile(r'^(?:; example: (.*)|<!-- example: (.*) -->)$')
FENCE = re.compile(r'^```')


class Unmarked(Exception):
    pass


@dataclass
class Example:
    page: str
    line: int
    kind: str
    arguments: list
    text: str

    def __str__(self):
        return f'{self.page}:{self.line}: {" ".join([self.kind, *self.arguments])}'


def unescape(line):
    """Undo what scdoc undoes inside of literal blocks."""
    return re.sub(r'\\(.)', r'\1', line)


def examples(path):
    """All examples of a file, in order. Raises Unmarked where a block has no marker."""
    is_scdoc = path.suffix == '.scd'
    found, marker, block = [], None, None
    for number, line in enumerate(path.read_text(encoding='utf-8').split('\n'), 1):
        if block is not None:
            if not FENCE.match(line):
                block.append(unescape(line) if is_scdoc else line)
                continue
            kind, *arguments = marker.split()
            found.append(Example(path.name, start, kind, arguments, '\n'.join(block) + '\n'))
            marker, block = None, None
        elif FENCE.match(line):
            if marker is None:
                raise Unmarked(f'{path.name}:{number}: a block without an "example:" marker')
            start, block = number, []
        elif match := MARKER.match(line):
            marker = match.group(1) or match.group(2)
        elif line.strip():
            if marker is not None:
                raise Unmarked(f'{path.name}:{number}: text between a marker and its block')
    return found
