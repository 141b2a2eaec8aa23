#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boot the container and play demo.sh in it: demo.py BUILD_DIRECTORY (see tools/demo)."""

import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
from container import HOME, Container, Timeout, Unavailable, enter_mount_namespace # noqa: E402

LIMIT = 240
# The last line of demo.sh when all went as it says.
DONE = "demo: done"


def play(build):
    """Returns whether all went as the demo says."""
    done = False
    with Container(build) as container:
        container.copy(f"{HERE}/demo.sh", f"{HOME}/demo.sh")
        container.chroot(f"{HOME}/demo.sh", "prepare")
        colour = "colour" if sys.stdout.isatty() else "plain"
        try:
            for line in container.run(f"{HOME}/demo.sh show {colour}", LIMIT):
                done = line == DONE
                if not done:
                    print(line, flush=True)
        except Timeout:
            print(f"demo: not done after {LIMIT} seconds", file=sys.stderr)
        if not done:
            print(container.console_text(), file=sys.stderr)
    return done


def main():
    try:
        enter_mount_namespace()
        Container.check()
    except Unavailable as reason:
        sys.exit(f"demo: no container can be booted here: {reason}")
    return 0 if play(os.path.realpath(sys.argv[1])) else 1


if __name__ == "__main__":
    sys.exit(main())
