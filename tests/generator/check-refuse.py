#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ip2unix-refuse prints, and how it exits.

    check-refuse.py REFUSE
"""

import os
import subprocess
import sys
import tempfile

REASON = '/etc/ip2unix.d/web.conf:3: unknown flag \'tpc\''


def run(refuse, journal):
    """Returns exit status and what was printed. journal: what JOURNAL_STREAM says of stderr."""
    with tempfile.TemporaryFile() as stderr:
        status = os.fstat(stderr.fileno())
        env = dict(os.environ)
        env.pop('JOURNAL_STREAM', None)
        if journal:
            env['JOURNAL_STREAM'] = journal.format(dev=status.st_dev, ino=status.st_ino)
        done = subprocess.run([refuse, REASON], env=env, stderr=stderr, stdout=subprocess.PIPE,
                              check=False)
        stderr.seek(0)
        return done.returncode, done.stdout + stderr.read()


CASES = {
    'says why and exits with 78': ('', f'ip2unix: {REASON}\n'),
    'gives the journal a level': ('{dev}:{ino}', f'<3>ip2unix: {REASON}\n'),
    'knows when its stderr was redirected': ('{dev}:1', f'ip2unix: {REASON}\n'),
    'is not misled by nonsense': ('journal', f'ip2unix: {REASON}\n'),
}

failed = 0
print(f'1..{len(CASES)}')
for number, (name, (journal, text)) in enumerate(CASES.items(), 1):
    seen = run(sys.argv[1], journal)
    good = seen == (78, text.encode())
    failed += not good
    print(f'{"" if good else "not "}ok {number} - {name}')
    if not good:
        print(f'# {seen}')
sys.exit(1 if failed else 0)
