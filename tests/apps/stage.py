# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stage of one scenario in one mode: stage.py BUILD_DIRECTORY MODULE SCENARIO bare|rules

Runs as the first process of its own namespaces (see run). A scenario gets a Stage: it starts
servers, runs clients and asserts, in the same words in both modes. Under rules, every TCP socket of
every program becomes a Unix socket at Stage.socket(port); after Stage.go_datagram(), every UDP
socket as well. What a scenario need not say itself is asserted here, after every client and at the
end:

- bare, TCP was used; under rules, never: no segment was sent, no TCP socket listens or is connected
- in scenarios about datagrams, the same of UDP: bare, datagrams were sent; under rules, not one
- the socket file is there while the server listens, and gone when it has ended
- no process outlives its scenario, and the shim has no complaint
"""

import importlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import traceback
from pathlib import Path

from kernel import (command_line, ip_listens, ip_sockets, processes, tcp_segments, udp_datagrams,
                    unix_paths)
from server import PATIENCE, Failure, Server, wait_until

HERE = Path(__file__).resolve().parent
# Everything of a scenario lives here, on a tmpfs that hides what the machine has in /run.
HOME = Path("/run/apps")
PRODUCT = Path("/run/ip2unix")
SKIPPED = 77
# Seconds for a client as a whole, which may have to ask many times.
LONGER = 2 * PATIENCE


class Skip(Exception):
    """This scenario can't run here; the text says why."""


def signals_as_usual():
    """Let programs have the signals that a shell makes its background jobs ignore.

    What is ignored stays so across execve(2), and who finds SIGINT ignored does not end by it.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def environment_of(user):
    entry = pwd.getpwnam(user)
    return {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user}


def identity_of(user):
    """What makes subprocess start a program as the user, in a process group of its own.

    Apache ends by a signal to its whole process group.
    """
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "process_group": 0,
            "extra_groups": os.getgrouplist(entry.pw_name, entry.pw_gid)}


class Stage:
    """What a scenario is played on."""

    def __init__(self, build, mode):
        self.rules = mode == "rules"
        self.home = HOME
        self.sockets = HOME / "sockets"
        self.logs = HOME / "logs"
        self.servers = []
        self.number = 0
        # A scenario may say otherwise of these. None: it may or may not be.
        self.uses_tcp = not self.rules
        self.uses_udp = None
        self.rule = f"tcp,path={self.sockets}/%p.sock"
        self.file_names = {"tcp": "{}.sock"}
        self._furnish(build)

    def _furnish(self, build):
        """A scratch directory for everybody, and a copy of the product that every user can read."""
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # What systemd gives the machine's own namespace: the kernel's 10 are few on a busy one.
        Path("/proc/sys/net/unix/max_dgram_qlen").write_text("512\n", encoding="ascii")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
        # Program and library find each other as they do in the build directory.
        for name in ("cli/ip2unix", "preload/libip2unix.so"):
            (PRODUCT / name).parent.mkdir(parents=True)
            shutil.copy(build / name, PRODUCT / name)
            (PRODUCT / name).chmod(0o755)
        for directory in (self.home, self.sockets, self.logs):
            directory.mkdir()
            directory.chmod(0o1777)
        self._hide_name_servers()
        os.umask(0o022)
        os.chdir(self.home)

    def _hide_name_servers(self):
        """Name servers can't be reached.

        The C library asks them by itself, past every preloaded library, with datagrams that would
        be counted.
        """
        path = Path("/etc/resolv.conf").resolve()
        if not path.exists() and Path("/run") in path.parents:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if path.exists():
            unreachable = self.file("resolv.conf", "nameserver 192.0.2.1\n")
            subprocess.run(["mount", "--bind", unreachable, path], check=True)

    def go_abstract(self):
        """From now on, sockets become abstract Unix sockets instead, of the same kinds."""
        self.rule = f"{'tcp,' if self.uses_udp is None else ''}abstract=apps-%t-%p"

    def go_datagram(self):
        """From now on, every TCP and every UDP socket becomes a Unix socket."""
        self.uses_tcp = False if self.rules else None
        self.uses_udp = not self.rules
        self.rule = f"path={self.sockets}/%t-%p.sock"
        self.file_names = {"tcp": "tcp-{}.sock", "udp": "udp-{}.sock"}

    # --- files ------------------------------------------------------------------------------------

    def file(self, name, content, mode=0o644):
        """Write a file of the scenario's; returns its path."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content)
        path.chmod(mode)
        return path

    def directory(self, name, user=None, mode=0o755):
        path = self.home / name
        path.mkdir(parents=True)
        path.chmod(mode)
        if user:
            entry = pwd.getpwnam(user)
            os.chown(path, entry.pw_uid, entry.pw_gid)
        return path

    def number_in(self, name):
        """The number in a file that a server writes, 0 when it is not there yet."""
        try:
            return int((self.home / name).read_text() or 0)
        except FileNotFoundError:
            return 0

    def noise(self, name, size):
        """A file of random bytes; returns its path."""
        return self.file(name, os.urandom(size))

    def socket(self, port, kind="tcp"):
        """Where the rules put the listener of that port."""
        return self.sockets / self.file_names[kind].format(port)

    # --- programs ---------------------------------------------------------------------------------

    def wrap(self, command, rules):
        """The command as it is started in this mode.

        rules: False for a program that runs bare in both modes, or the rules of this one alone.
        """
        command = [str(word) for word in command]
        if not self.rules or rules is False:
            return command
        words = [self.rule] if rules is True else rules
        return [f"{PRODUCT}/cli/ip2unix", *[w for r in words for w in ("-r", r)], "--", *command]

    def _environment(self, user, extra):
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "LANG": "C.UTF-8", "TZ": "UTC", "TMPDIR": str(HOME),
                       **environment_of(user or "root")}
        return environment | {key: str(value) for key, value in (extra or {}).items()}

    def start(self, *command, port=None, udp=None, user=None, env=None, rules=True, name=None):
        """Start a server and wait until it listens on the port; returns a Server.

        udp: wait until it has bound a UDP socket to that port.
        """
        self.number += 1
        log = self.logs / f"{self.number}-{name or Path(str(command[0])).name}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                self.wrap(command, rules), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=self._environment(user, env),
                **identity_of(user or "root"))
        server = Server(process, log)
        self.servers.append(server)
        for number, kind in ((port, "tcp"), (udp, "udp")):
            if number:
                self._wait_for(server, number, kind)
        return server

    def _wait_for(self, server, port, kind):
        process, name = server.process, server.log.stem
        wait_until(lambda: self.listens(port, kind) or process.poll() is not None,
                   f"{name} listens on {port}/{kind}")
        if process.poll() is not None and not self.listens(port, kind):
            raise Failure(f"{name} ends with {process.returncode}, and never listened")

    def listens(self, port, kind="tcp"):
        """Whether somebody listens on the port; under rules, on the socket that stands for it."""
        if self.rules:
            names = rf"{self.sockets}/(.*-)?{port}\.sock|@apps-{kind}-{port}"
            return any(re.fullmatch(names, path) for path in unix_paths(kind))
        return ip_listens(port, kind)

    def run(self, *command, status=0, user=None, env=None, rules=True, text=True, **feed):
        """Run a client to its end; returns what it printed, on either stream.

        status: what it has to end with; None: anything.
        feed: stdin or input, as subprocess takes them.
        """
        try:
            done = subprocess.run(
                self.wrap(command, rules), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=text, timeout=LONGER, env=self._environment(user, env), check=False,
                **(feed or {"stdin": subprocess.DEVNULL}), **identity_of(user or "root"))
        except subprocess.TimeoutExpired as late:
            raise Failure(f"{command} goes on and on: {late.stdout}") from None
        if text:
            self._check_client(command, done.returncode, status, done.stdout)
        elif status is not None and done.returncode != status:
            raise Failure(f"{command} ends with {done.returncode}")
        self.no_ip()
        return done.stdout

    def _check_client(self, command, got, status, output):
        if status is not None and got != status:
            raise Failure(f"{command} ends with {got}:\n{output}")
        if re.search("^ip2unix: ", output, re.MULTILINE):
            raise Failure(f"{command}: complaint of the shim:\n{output}")

    def talk(self, *command, lines, status=0, env=None):
        """Run a client that ends some time after its input does; returns what it printed.

        lines: pairs of what is written to it and of a pattern for what it then has to print, before
        it gets the next. So nobody has to guess for how long an answer is on its way.
        """
        self.number += 1
        log = self.logs / f"{self.number}-{Path(str(command[0])).name}.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                self.wrap(command, True), stdin=subprocess.PIPE, stdout=output,
                stderr=subprocess.STDOUT, env=self._environment(None, env), **identity_of("root"))
        client = Server(process, log)
        for text, pattern in lines:
            process.stdin.write(text.encode())
            process.stdin.flush()
            client.says(pattern)
        process.stdin.close()
        self._check_client(command, client.wait(), status, client.output())
        self.no_ip()
        return client.output()

    def ask_many(self, url, count):
        """Ask curl for the URL so many times, 16 at once, each on a connection of its own.

        Returns the answers, which have to be one line each.
        """
        lines = self.run("curl", "-sSf", "--parallel", "--parallel-max", "16",
                         "--no-progress-meter", "-H", "Connection: close",
                         f"{url}?[1-{count}]").splitlines()
        self.equal("answers", len(lines), count)
        return lines

    def ask_until_all_answer(self, url, worker, count):
        """As ask_many(), again and again until so many workers have answered; returns the answers.

        worker: a function that finds in an answer who gave it. Which of those that wait at one
        listener is quickest is chance, and on a busy machine the same one for long.
        """
        answers = []

        def ask():
            answers.extend(self.ask_many(url, 100))
            return len({worker(line) for line in answers}) >= count

        wait_until(ask, f"{count} workers answer {url}")
        return answers

    # --- assertions -------------------------------------------------------------------------------

    def fail(self, what):
        raise Failure(what)

    def check(self, condition, what):
        if not condition:
            raise Failure(what)

    def equal(self, what, got, wanted):
        if got != wanted:
            raise Failure(f"{what}: got {got!r:.2000}, wanted {wanted!r:.2000}")

    def same_file(self, one, other):
        """Both files hold the same bytes."""
        if subprocess.run(["cmp", one, other], check=False).returncode:
            raise Failure(f"{one} and {other} differ")

    def matches(self, text, pattern):
        """The text has a match of the pattern; returns it."""
        if not (match := re.search(pattern, text, re.MULTILINE)):
            raise Failure(f"no {pattern} in:\n{text:.4000}")
        return match

    def no_ip(self):
        """TCP and UDP were never used, where they should not be."""
        if self.uses_tcp is False and (ip_sockets("tcp") or tcp_segments()):
            sockets = subprocess.run(["ss", "-tanpH"], stdout=subprocess.PIPE, text=True,
                                     check=False).stdout
            raise Failure(f"TCP was used: {tcp_segments()} segments\n{sockets}")
        if self.uses_udp is False and udp_datagrams():
            sockets = subprocess.run(["ss", "-uanpH"], stdout=subprocess.PIPE, text=True,
                                     check=False).stdout
            raise Failure(f"UDP was used: {udp_datagrams()} datagrams\n{sockets}")

    def descriptors(self):
        """The number of open descriptors of all processes together."""
        count = 0
        for process in processes():
            try:
                count += len(os.listdir(f"/proc/{process}/fd"))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return count

    def keeps_descriptors(self, before):
        """As many descriptors are open as were before."""
        wait_until(lambda: self.descriptors() <= before,
                   f"there were {before} open descriptors, now there are {self.descriptors()}")

    def closed(self, *ports, udp=()):
        """Nobody listens on the ports any more, and the socket files are gone.

        A server's first process may have ended before others of it have.
        """
        for port, kind in [(port, "tcp") for port in ports] + [(port, "udp") for port in udp]:
            self._nobody_listens(port, kind)
            wait_until(lambda path=self.socket(port, kind): not path.exists(),
                       f"the socket file of {port}/{kind} is gone")

    def stale(self, *ports, udp=()):
        """The server on the ports was killed by its signal: nobody listens, and the file may stay.

        It is removed here, so that it does not count as left behind.
        """
        for port, kind in [(port, "tcp") for port in ports] + [(port, "udp") for port in udp]:
            self._nobody_listens(port, kind)
            self.socket(port, kind).unlink(missing_ok=True)

    def forget_files(self):
        """Remove the socket files that a server has left whose signal has killed it.

        They stand for ports that the kernel would have chosen, so that nobody knows their names.
        """
        for path in self.sockets.iterdir():
            path.unlink()

    def _nobody_listens(self, port, kind):
        wait_until(lambda: not self.listens(port, kind), f"nobody listens on {port}/{kind}")

    def close(self):
        """What holds at the end of every scenario."""
        for server in self.servers:
            if server.process.poll() is None:
                raise Failure(f"{server.log.stem} was never told to end")
        wait_until(lambda: not processes(), "all processes end")
        self.no_ip()
        if self.uses_tcp and not tcp_segments():
            raise Failure("this scenario does not use TCP where it should")
        if self.uses_udp and not udp_datagrams():
            raise Failure("this scenario does not use UDP where it should")
        if left := sorted(path.name for path in self.sockets.iterdir()):
            raise Failure(f"socket files are left: {' '.join(left)}")
        for server in self.servers:
            if found := re.search("^.*ip2unix: .*$", server.output(), re.MULTILINE):
                raise Failure(f"{server.log.stem}: complaint of the shim: {found[0]}")

    def describe(self):
        """Say what helps to understand a failure."""
        for process in processes():
            print(f"  runs: {process} {command_line(process)}")
        for log in sorted(self.logs.iterdir()):
            lines = log.read_text(errors="replace").splitlines()[-20:]
            print("\n".join([f"--- {log.name}", *(line[:300] for line in lines)]))


def needs(*programs):
    """Skip the scenario that follows unless these programs are installed."""

    def decorate(scenario):
        def play(stage):
            for program in programs:
                path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
                if not (os.path.exists(program) or shutil.which(program, path=path)):
                    raise Skip(f"{program} is not installed")
            scenario(stage)

        return play

    return decorate


def main():
    build, module, name, mode = sys.argv[1:]
    sys.path.insert(0, str(HERE / "programs"))
    # Scenarios say "from stage import", and should get this very module.
    sys.modules["stage"] = sys.modules["__main__"]
    scenario = getattr(importlib.import_module(module), f"scenario_{name}")
    signals_as_usual()
    stage = Stage(Path(build), mode)
    try:
        scenario(stage)
        stage.close()
    except Skip as why:
        print(why)
        return SKIPPED
    except Failure as failure:
        place = [frame for frame in traceback.extract_tb(failure.__traceback__)
                 if "/programs/" in frame.filename]
        where = f"{Path(place[-1].filename).name}:{place[-1].lineno}: " if place else ""
        print(f"{where}{failure}")
        stage.describe()
        return 1
    except Exception:
        traceback.print_exc(file=sys.stdout)
        stage.describe()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
