# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test points in the Test Anything Protocol."""


class Skip(Exception):
    """The point can't be tested here; the argument says why."""


class Failure(Exception):
    """What was seen, in full: it is shown as it is."""


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def point(self, name, function, *arguments):
        """Run a function as one test point: it fails by raising anything but Skip."""
        self.count += 1
        name = name.replace('#', r'\#')
        try:
            function(*arguments)
        except Skip as reason:
            print(f'ok {self.count} - {name} # SKIP {reason}')
        except Exception as reason:  # pylint: disable=broad-except
            self.failed += 1
            print(f'not ok {self.count} - {name}')
            for line in f'{type(reason).__name__}: {reason}'.split('\n'):
                print(f'# {line}')
        else:
            print(f'ok {self.count} - {name}')

    def finish(self):
        print(f'1..{self.count}')
        return 1 if self.failed else 0
