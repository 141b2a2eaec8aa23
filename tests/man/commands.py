# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shell commands as a page shows them: servers in the background, and clients of them."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

# Until somebody listens there, connecting fails. A datagram socket is there when its type is wrong.
WAIT = '''
import errno, glob, socket, sys, time
for _ in range(400):
    for name in [sys.argv[1]] if sys.argv[1][0] == '@' else glob.glob(sys.argv[1]):
        try:
            socket.socket(socket.AF_UNIX).connect(name.replace('@', '\\0', 1))
            sys.exit()
        except OSError as error:
            if error.errno == errno.EPROTOTYPE:
                sys.exit()
    time.sleep(0.05)
sys.exit(f'nobody listens on {sys.argv[1]}')
'''


def prepare(text, sockets, directory):
    """The text with waits behind what ends in '&', and with a directory of its own for /tmp."""
    waits = ''.join(f'{shlex.quote(sys.executable)} -c {shlex.quote(WAIT)} {shlex.quote(name)}\n'
                    for name in sockets)
    text = re.sub(r'&\n', lambda _: '&\n' + waits, text)
    for name in sockets:
        if name.startswith('@'):
            own = f'{name[1:]}-{os.getpid()}'
            text = text.replace(f'abstract={name[1:]}', f'abstract={own}')
            text = text.replace(shlex.quote(name), f'@{own}')
    return text.replace('/tmp/', f'{directory}/')


def run(text, sockets, directory, ip2unix):
    """Returns the exit status, and what was printed to either output."""
    # Other users take part in some.
    Path(directory).chmod(0o711)
    environment = {'PATH': f'{os.path.dirname(ip2unix)}:{os.environ["PATH"]}', 'HOME': '/',
                   'LC_ALL': 'C.UTF-8'}
    with tempfile.TemporaryFile('w+', encoding='utf-8', errors='replace') as output, \
            subprocess.Popen(['sh', '-eu', '-c', prepare(text, sockets, directory)],
                             cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                             stdout=output, stderr=output, start_new_session=True) as process:
        try:
            status = process.wait(60)
        finally:
            # The group is there as long as one of it is: the servers in the background.
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        output.seek(0)
        return status, output.read().replace(f'{directory}/', '/tmp/')
