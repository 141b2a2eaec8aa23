# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtual machine that sees this machine's files, and leaves no trace in them.

Its root is this machine's, shared by 9p so that it can only be read, with an overlay in the guest's
memory over it. So there is nothing to install in it, and the build is found where it is.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
QEMU = "qemu-system-x86_64"
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
MEMORY = "4G"

# How it is run: the arguments for qemu, and how many seconds until it has booted. /dev/kvm may be
# there and be good for nothing: then the machine ends at once, or hangs before the kernel starts.
ACCELERATORS = {
    "kvm": (("-accel", "kvm", "-cpu", "host"), 45),
    "tcg": (("-accel", "tcg,thread=multi", "-cpu", "max,la57=off"), 600),
}


class NotBooted(Exception):
    """It did not come as far as to run anything; the text is what the kernel said."""


def _archive_entry(number, name, mode, data):
    """One file in the format "newc" of cpio(5), which the kernel unpacks."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def _archive(files):
    """files: (name, permissions, data); None for data makes a directory."""
    entries = [_archive_entry(number, name, 0o040000 | mode if data is None else 0o100000 | mode,
                              data or b"")
               for number, (name, mode, data) in enumerate(files, 1)]
    return b"".join(entries) + _archive_entry(0, "TRAILER!!!", 0, b"")


def _assignments(**variables):
    return "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in variables.items())


def _initramfs(kernel, source, build):
    files = [("bin", 0o755, None), ("modules", 0o755, None), ("dev", 0o755, None),
             ("bin/busybox", 0o755, kernel.busybox.read_bytes()),
             ("init", 0o755, (HERE / "init").read_bytes()),
             ("job", 0o644, _assignments(source=source, build=build).encode())]
    for number, path in enumerate(kernel.module_files(MODULES)):
        files.append((f"modules/{number:02}-{path.name}", 0o644, path.read_bytes()))
    return _archive(files)


def _share(tag, path, options=""):
    return ("-virtfs", f"local,path={path},mount_tag={tag},security_model=none,"
                       f"multidevs=remap{options}")


class Machine:
    """Use as a context manager: the directory of its results goes with it."""

    def __init__(self, kernel, source, build):
        self.kernel, self.source, self.build = kernel, source, build
        self._directory = None

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="ip2unix-kernel-")
        top = Path(self._directory.name)
        self._initramfs_file, self.log, self.results = (
            top / "initramfs", top / "kernel.log", top / "results")
        self._initramfs_file.write_bytes(_initramfs(self.kernel, self.source, self.build))
        return self

    def __exit__(self, *_):
        self._directory.cleanup()

    def _command(self, arguments):
        # What the kernel says goes to a line of its own: the first is for the tests.
        return (QEMU, *arguments, "-machine", "q35", "-m", MEMORY, "-smp", str(os.cpu_count() or 1),
                "-nodefaults", "-display", "none", "-no-reboot",
                "-serial", "stdio", "-serial", f"file:{self.log}",
                *_share("root", "/", ",readonly=on"),
                *_share("modules", self.kernel.modules, ",readonly=on"),
                *_share("results", self.results),
                "-kernel", str(self.kernel.image), "-initrd", str(self._initramfs_file),
                "-append", "console=ttyS1 panic=-1 net.ifnames=0")

    def _wait(self, process, limit):
        """Wait until the machine ends; raises NotBooted when it has not begun in time."""
        until = time.monotonic() + limit
        while process.poll() is None:
            if (self.results / "booted").exists():
                process.wait()
                return
            if time.monotonic() > until:
                raise NotBooted(f"nothing in {limit} seconds")
            time.sleep(0.2)

    def run(self, accelerator, command, directory):
        """Boot, run a shell command in a directory, and end.

        The command's output is printed as it comes. Returns its exit status.
        """
        arguments, limit = ACCELERATORS[accelerator]
        shutil.rmtree(self.results, ignore_errors=True)
        self.results.mkdir()
        (self.results / "job").write_text(
            _assignments(build=self.build, directory=directory, command=command), encoding="utf-8")
        with subprocess.Popen(self._command(arguments), stdin=subprocess.DEVNULL,
                              stdout=sys.stdout, stderr=subprocess.PIPE, text=True) as process:
            try:
                self._wait(process, limit)
            except NotBooted as error:
                process.kill()
                raise NotBooted(f"{error}\n{self._last_words()}") from None
            except BaseException:
                process.kill()
                raise
            complaint = process.stderr.read()
        status = self.results / "status"
        if not status.exists():
            raise NotBooted(f"{complaint}{self._last_words()}")
        return int(status.read_text(encoding="ascii"))

    def _last_words(self):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
