# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel from Debian, unpacked and never installed.

It is downloaded by apt as the machine's own sources say, into a directory that is kept, together
with busybox-static, whose depmod(8) and insmod(8) need nothing of the machine.
"""

import os
import re
import subprocess
from pathlib import Path

# What depends on the newest kernel that there is.
NEWEST = "linux-image-amd64"


class Unavailable(Exception):
    """There is no such kernel; the text says why."""


def _output(*command, cwd=None):
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Unavailable(f"{' '.join(map(str, command))}: {result.stderr.strip()}")
    return result.stdout


def _package_name(version):
    """The package of a version such as 6.1.0-50, or of a part of one; without, of the newest."""
    if version is None:
        found = re.search(r"Depends: (linux-image-\S+)", _output("apt-cache", "depends", NEWEST))
        if not found:
            raise Unavailable(f"{NEWEST} depends on no kernel: are the lists of packages there?")
        return found[1]
    names = _output("apt-cache", "pkgnames", f"linux-image-{version}").split()
    # Those for a cloud have no 9p file system, which the machine's root is.
    names = [name for name in names if re.fullmatch(r"linux-image-[\d.]+-[\d.]+-amd64", name)]
    if not names:
        raise Unavailable(f"no package linux-image-{version}…-amd64")
    return max(names, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def _download(name, directory):
    """Returns the file of a package, downloaded unless it is there."""
    pattern = f"{name}_*.deb"
    if not list(directory.glob(pattern)):
        _output("apt-get", "download", "-q", name, cwd=directory)
    return max(directory.glob(pattern), key=lambda path: path.stat().st_mtime)


def _unpack(package):
    """Returns the directory that a package is unpacked in."""
    directory = package.with_suffix("")
    if not directory.is_dir():
        unfinished = Path(f"{directory}.unfinished")
        unfinished.mkdir(exist_ok=True)
        _output("dpkg-deb", "-x", package, unfinished)
        unfinished.rename(directory)
    return directory


class Kernel:
    """What is in the package: image is the kernel, modules the directory of its modules."""

    def __init__(self, cache, wanted=None):
        """wanted: a version, a .deb file, or None for the newest there is."""
        cache.mkdir(parents=True, exist_ok=True)
        self.busybox = _unpack(_download("busybox-static", cache)) / "bin/busybox"
        if wanted and wanted.endswith(".deb"):
            package = cache / os.path.basename(wanted)
            if not package.exists():
                package.symlink_to(os.path.abspath(wanted))
        else:
            package = _download(_package_name(wanted), cache)
        directory = _unpack(package)
        images = list(directory.glob("boot/vmlinuz-*"))
        if len(images) != 1:
            raise Unavailable(f"{package.name} holds {len(images)} kernels")
        self.image = images[0]
        self.version = self.image.name.removeprefix("vmlinuz-")
        modules = next(directory.glob("usr/lib/modules/*"), None)
        self.modules = modules or directory / "lib/modules" / self.version
        if not (self.modules / "modules.dep").exists():
            _output(self.busybox, "depmod", "-b", directory, self.version)

    def module_files(self, names):
        """The files of modules and of what they need, in the order in which they are loaded."""
        files = {path.stem.replace("-", "_"): path for path in self.modules.rglob("*.ko")}
        ordered = []

        def add(name):
            # What is built in is no file.
            path = files.get(name.replace("-", "_"))
            if not path or path in ordered:
                return
            # modinfo(8) is not everywhere, and this is all that it would tell.
            needs = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
            for needed in needs[1].decode().split(",") if needs else ():
                add(needed)
            ordered.append(path)

        for name in names:
            add(name)
        return ordered
