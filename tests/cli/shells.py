# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interactive shells on a terminal, of which the command line can be read back after a TAB."""

import os
import pty
import select
import subprocess
import time

from harness import HERE, Failure

COMPLETIONS = HERE.parents[1] / 'completions'

# Each shell reads this. It answers ^T with its command line between angle brackets; ^O empties it.
BASH = f'''
PS1=ready:
source /usr/share/bash-completion/bash_completion
source {COMPLETIONS}/ip2unix.bash
bind 'set bell-style none'
bind 'set completion-query-items 0'
bind 'set page-completions off'
bind -x '"\\C-t":printf "\\n<%s>\\n" "$READLINE_LINE"'
bind '"\\C-o":unix-line-discard'
'''
ZSH = f'''
PS1=ready:
fpath=({COMPLETIONS} $fpath)
autoload -U compinit
compinit -u -D
setopt no_beep no_always_last_prompt
LISTMAX=10000
show() {{ print; print -r -- "<$BUFFER>" }}
zle -N show
bindkey '^T' show
bindkey '^O' kill-whole-line
'''


class Shell:
    """A shell that runs until it is closed."""

    def __init__(self, command, setup, directory):
        self.fd, theirs = pty.openpty()
        # A dumb terminal: what is shown is what is written.
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=directory,
            start_new_session=True,
            env={'PATH': '/usr/bin:/bin', 'HOME': str(directory), 'TERM': 'dumb', 'COLUMNS': '1000',
                 'LC_ALL': 'C.UTF-8'})
        os.close(theirs)
        setup_file = directory / 'setup'
        setup_file.write_text(setup)
        self.type(f'. {setup_file}; echo begin-now\n')
        self.read_until('begin-now\r\n')
        # With the prompt, the shell has taken the terminal over.
        self.read_until('ready:')

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, wanted):
        seen, until = '', time.monotonic() + 30
        while wanted not in seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise Failure(f'{wanted!r} never came, but:\n{seen}')
            seen += os.read(self.fd, 65536).decode(errors='replace')
        return seen

    def complete(self, line):
        """What the command line is after the line and a TAB."""
        self.type(line + '\t')
        time.sleep(0.05)
        self.type('\x14')
        seen = self.read_until('>\r\n')
        self.type('\x0f')
        return seen.rpartition('<')[2].partition('>\r\n')[0]

    def close(self):
        os.close(self.fd)
        self.process.kill()
        self.process.wait()
