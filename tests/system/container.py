# SPDX-License-Identifier: LGPL-2.1-or-later
"""A throw-away copy of this machine that boots a real systemd as its process 1.

The copy is an overlay over / whose changes live in memory, with a build of the product installed
into it, booted by systemd-nspawn without any network but its own loopback. Nothing is downloaded
and nothing of this machine is written to. All mounts are made in a mount namespace of our own, so
they go away with this process, however it ends.
"""

import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Where a scenario's driver, its files and the test programs are found inside of the container.
HOME = "/usr/local/lib/ip2unix-tests"

NEEDED_PROGRAMS = ("systemd-nspawn", "unshare", "setpriv", "meson", "/lib/systemd/systemd")

# What the administrator of this machine has set up says nothing about the product: the container
# starts from what the packages ship. (Removed as a whole, made anew as an empty directory.)
EMPTIED = (
    "etc/systemd/system", "etc/systemd/user", "etc/systemd/system.conf.d",
    "etc/systemd/user.conf.d", "etc/systemd/journald.conf.d", "usr/local/lib/systemd",
    "etc/systemd/system-generators", "etc/systemd/user-generators",
    "etc/systemd/system-environment-generators", "etc/systemd/user-environment-generators",
    "etc/ip2unix.d", "etc/ip2unix", "usr/local/lib/ip2unix.d", "usr/lib/ip2unix.d",
    "var/log/journal", "var/lib/systemd/linger",
    # What has no unit is started by what systemd-sysv-generator makes of these.
    "etc/rc2.d", "etc/rc3.d", "etc/rc4.d", "etc/rc5.d",
)
REMOVED = ("etc/fstab", "etc/ld.so.preload")

DRIVER_UNIT = """\
[Unit]
Description=Driver of the ip2unix container
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=exec
ExecStart={command}
StandardOutput=file:{home}/output
StandardError=file:{home}/output
TimeoutStopSec=5
"""


# The hierarchies in which systemd keeps its processes, for the unified, hybrid and legacy set-up.
CONTROL_GROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")


class Unavailable(Exception):
    """This machine can't run the container; the text says why."""


class Timeout(Exception):
    """The container was stopped because it took too long."""


def enter_mount_namespace():
    """Run this program again in a mount namespace of its own, where all mounts are private."""
    if os.geteuid() != 0:
        raise Unavailable("needs root")
    if os.environ.get("IP2UNIX_MOUNT_NAMESPACE") == str(os.getpid()):
        return
    if not shutil.which("unshare"):
        raise Unavailable("unshare is not installed")
    if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode:
        raise Unavailable("mount namespaces are not permitted here")
    os.environ["IP2UNIX_MOUNT_NAMESPACE"] = str(os.getpid())
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private",
                          sys.executable, *sys.argv])


def _end(signum, _frame):
    sys.exit(128 + signum)


def _mount_overlay(directory):
    """Mount a tmpfs on the directory, and in it a copy of / as root/; returns the latter's path."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory], check=True)
    for name in ("up", "work", "root"):
        os.mkdir(f"{directory}/{name}", 0o755)
    layers = f"lowerdir=/,upperdir={directory}/up,workdir={directory}/work"
    mount = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, f"{directory}/root"],
                           stderr=subprocess.PIPE, text=True)
    if mount.returncode:
        raise Unavailable(f"overlay file systems do not work here: {mount.stderr.strip()}")
    return f"{directory}/root"


def _unmount(directory):
    for mount in (f"{directory}/root", directory):
        if os.path.ismount(mount):
            subprocess.run(["umount", "-l", mount], check=False)


def _remove_group(group):
    """Remove a control group and those in it; returns whether it is gone."""
    for directory, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(directory)
        except OSError:
            return False
    return True


def _remove_dead_groups(hierarchy):
    """Remove what containers have left behind whose runner was killed."""
    for group in glob.glob(f"{hierarchy}/ip2unix-[0-9]*"):
        if not os.path.exists(f"/proc/{group.rpartition('-')[2]}"):
            _remove_group(group)


class Container:
    """Use as a context manager: made on entering, gone on leaving. In between it boots once."""

    def __init__(self, build):
        """build: the build directory to install from."""
        self.build = build
        self.directory = None
        self.root = None
        self.console = None
        self._nspawn = None
        self._groups = []

    @staticmethod
    def check():
        """Raise Unavailable when no container can be had on this machine."""
        for program in NEEDED_PROGRAMS:
            if not shutil.which(program):
                raise Unavailable(f"{program} is not installed")
        for directory in ("/usr", "/etc", "/var"):
            if os.path.ismount(directory):
                raise Unavailable(f"{directory} is not on the file system of /, which alone is seen"
                                  " through the overlay")
        with tempfile.TemporaryDirectory(prefix="ip2unix-check-") as directory:
            try:
                _mount_overlay(directory)
            finally:
                _unmount(directory)

    def __enter__(self):
        # Turn the signals that ask us to end into an exception, so that __exit__ runs.
        for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(signum, _end)
        self.directory = tempfile.mkdtemp(prefix="ip2unix-container-")
        try:
            self._mount()
            self._clean()
            self._install()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        if self._nspawn and self._nspawn.poll() is None:
            self._kill()
        self._remove_groups()
        if self.console:
            self.console.close()
        _unmount(self.directory)
        os.rmdir(self.directory)

    def _mount(self):
        self.root = _mount_overlay(self.directory)

    def _clean(self):
        for name in EMPTIED:
            shutil.rmtree(self.path(name), ignore_errors=True)
            os.makedirs(self.path(name))
        for name in REMOVED:
            if os.path.lexists(self.path(name)):
                os.unlink(self.path(name))
        # A machine-id that is there already: without one, systemd takes this for the first boot
        # and enables presets. Likewise nothing has been updated since.
        self.write("etc/machine-id", "1" * 32 + "\n")
        for name in ("etc/.updated", "var/.updated"):
            self.write(name, "")
        self.write("etc/hostname", "container\n")
        self.write("etc/environment", "")
        self.write("etc/systemd/journald.conf.d/volatile.conf",
                   "[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n")
        # What hangs shall be seen before the scenario's time is over.
        self.write("etc/systemd/system.conf.d/fast.conf",
                   "[Manager]\nDefaultTimeoutStartSec=60\nDefaultTimeoutStopSec=30\n"
                   "DefaultStartLimitBurst=100\n")

    def _install(self):
        install = subprocess.run(
            ["meson", "install", "-C", self.build, "--no-rebuild", "--destdir", self.root],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if install.returncode:
            raise RuntimeError(f"meson install failed:\n{install.stdout}")

    def path(self, name):
        """The path, on this machine, of a file of the container."""
        return f"{self.root}/{name.lstrip('/')}"

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        # A new file, never the target of a link that leads out of the container.
        if os.path.lexists(self.path(name)):
            os.unlink(self.path(name))
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def copy(self, source, name):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        shutil.copy2(source, self.path(name))

    def chroot(self, *command):
        """Run a command in the container's file system before it boots; returns what it printed.

        RuntimeError when it fails.
        """
        script = ('mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && exec chroot "$0"'
                  ' "$@"')
        ran = subprocess.run(["unshare", "--mount", "sh", "-c", script, self.root, *command],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        if ran.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{ran.stdout}")
        return ran.stdout

    def run(self, command, timeout):
        """Boot, run a command as a service of the container, shut down when it ends.

        command: as ExecStart= takes it.
        timeout: seconds from here to the end.
        Yields the lines that the command prints, as they come. Timeout when it takes too long.
        """
        self.write("etc/systemd/system/ip2unix-driver.service",
                   DRIVER_UNIT.format(command=command, home=HOME))
        wants = self.path("etc/systemd/system/multi-user.target.wants")
        os.makedirs(wants, exist_ok=True)
        os.symlink("../ip2unix-driver.service", f"{wants}/ip2unix-driver.service")
        self.write(f"{HOME}/output", "")
        self.console = open(f"{self.directory}/console", "w+b")
        self._boot()
        yield from self._follow(self.path(f"{HOME}/output"), time.monotonic() + timeout)

    def _boot(self):
        # nspawn shuts the container down when it is asked to end, or when this process is killed.
        command = ["setpriv", "--pdeathsig", "TERM", "systemd-nspawn", "-q", "-D", self.root,
                   "--boot", "--register=no", "--private-network", "--link-journal=no",
                   "--console=pipe"]
        # Where systemd runs, nspawn asks it for a scope of its own. Elsewhere there is nobody to
        # ask, and the container lives in the control group that we start it in.
        if not os.path.isdir("/run/systemd/system"):
            command.append("--keep-unit")
            self._make_groups()
        command += ["systemd.unit=multi-user.target", "systemd.log_target=journal"]
        # --private-network brings a loopback of its own; what leads this machine to other
        # networks must not leak into services (proxies above all).
        environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")}
        self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.console,
                                        stderr=self.console, env=environment,
                                        preexec_fn=self._join_groups)

    def _kill(self):
        """End the container at once: by its process 1, with which all of its processes go."""
        pid = self._nspawn.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            for child in children.read().split():
                os.kill(int(child), signal.SIGKILL)
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()

    def _make_groups(self):
        """Two containers in one control group would take each other's processes for their own."""
        for hierarchy in CONTROL_GROUPS:
            if os.path.exists(f"{hierarchy}/cgroup.procs"):
                _remove_dead_groups(hierarchy)
                group = f"{hierarchy}/ip2unix-{os.getpid()}"
                os.mkdir(group)
                self._groups.append(group)

    def _join_groups(self):
        for group in self._groups:
            with open(f"{group}/cgroup.procs", "w", encoding="ascii") as procs:
                procs.write(str(os.getpid()))

    def _remove_groups(self):
        # A process that was killed stays in its group until the kernel has taken it apart.
        deadline = time.monotonic() + 30
        while self._groups and time.monotonic() < deadline:
            self._groups = [group for group in self._groups if not _remove_group(group)]
            if self._groups:
                time.sleep(0.05)

    def _follow(self, path, deadline):
        with open(path, encoding="utf-8", errors="replace") as output:
            pending = ""
            while True:
                ended = self._nspawn.poll() is not None
                text = output.read()
                if text:
                    *lines, pending = (pending + text).split("\n")
                    yield from lines
                elif ended:
                    break
                elif time.monotonic() > deadline:
                    raise Timeout()
                else:
                    time.sleep(0.02)
            if pending:
                yield pending

    def console_text(self):
        """What the container's console showed: the place to look when it doesn't boot."""
        self.console.flush()
        with open(f"{self.directory}/console", encoding="utf-8", errors="replace") as console:
            return console.read()
