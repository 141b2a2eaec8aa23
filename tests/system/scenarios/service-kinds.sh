# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Ways in which a unit starts its program, and ways in which it is locked down. The server binds
# 0.0.0.0:8000 in all of them.

# served NAME [LINE]...: the unit NAME, which exists, is activated and serves.
served() {
        web_rules "$@"
        reload
        start "$1-http.socket"
        activates_on_unix "$1.service" "/run/$1.sock" \
                listener=0.0.0.0:8000 own=127.0.0.1:8000 peer=127.0.0.1:
}

# The descriptors must pass the shell, whose process number LISTEN_PID is. The environment that the
# program gets has nothing of it any more.
scenario_behind_shell() {
        unit shell.service <<END
[Service]
ExecStart=/bin/sh -c 'env | grep LISTEN_; $SERVER 8000 & wait'
END
        served shell
        contains_not "$(journal shell.service)" LISTEN_
}

# subprocess closes all descriptors but the standard ones between fork and exec.
scenario_behind_python_launcher() {
        file /srv/launcher.py <<END
import subprocess
subprocess.Popen(['$SERVER', '8000'], close_fds=True).wait()
END
        unit launcher.service <<<$'[Service]\nExecStart=/usr/bin/python3 /srv/launcher.py'
        served launcher
}

# Wrappers that drop the environment, with the library and the rules in it.
scenario_behind_env() {
        unit behind-env.service <<<$'[Service]\nExecStart=/usr/bin/env -i '"$SERVER 8000"
        served behind-env
}

scenario_behind_posix_spawn() {
        file /srv/spawn.py <<END
import os
os.waitpid(os.posix_spawn('$SERVER', ['$SERVER', '8000'], {}), 0)
END
        unit behind-spawn.service <<<$'[Service]\nExecStart=/usr/bin/python3 /srv/spawn.py'
        served behind-spawn
}

# Debian's own way to become a daemon of another user.
scenario_behind_start_stop_daemon() {
        unit start-stop.service <<END
[Service]
Type=forking
ExecStart=/sbin/start-stop-daemon --start --background --chuid nobody --exec $SERVER -- 8000
END
        served start-stop
        equal "user" "$(stat -c %U "/proc/$(main_pid start-stop.service)")" nobody
}

scenario_type_forking() {
        server_unit forking --fork 8000 <<<'Type=forking'
        served forking
}

scenario_type_notify() {
        server_unit notify --notify 8000 <<<'Type=notify'
        served notify
}

scenario_closes_in_a_loop() {
        server_unit close-loop --close=loop 8000 </dev/null
        served close-loop
}

scenario_closes_with_closefrom() {
        server_unit closefrom --close=closefrom 8000 </dev/null
        served closefrom
}

scenario_closes_with_close_range() {
        server_unit close-range --close=close_range 8000 </dev/null
        served close-range
}

# A daemon as they are written in books.
scenario_closes_and_forks() {
        server_unit daemon --close=loop --fork 8000 <<<'Type=forking'
        served daemon
}

scenario_user() {
        server_unit with-user 8000 <<<'User=nobody'
        served with-user
        equal "user" "$(stat -c %U "/proc/$(main_pid with-user.service)")" nobody
}

scenario_dynamic_user() {
        server_unit dynamic-user 8000 <<<'DynamicUser=yes'
        served dynamic-user
        matches "$(stat -c %u "/proc/$(main_pid dynamic-user.service)")" '^6[1-5]...$'
}

# Capabilities that are not the program's file's own do not make ld.so ignore the library.
scenario_ambient_capabilities() {
        server_unit ambient 8000 <<<$'User=nobody\nAmbientCapabilities=CAP_NET_BIND_SERVICE'
        served ambient
}

scenario_few_descriptors() {
        server_unit few-descriptors 8000 <<<'LimitNOFILE=16'
        served few-descriptors
}

scenario_protect_system() {
        server_unit protect-system 8000 <<<'ProtectSystem=strict'
        served protect-system
}

scenario_no_new_privileges() {
        server_unit no-new-privileges 8000 <<<'NoNewPrivileges=yes'
        served no-new-privileges
}

scenario_system_call_filter() {
        server_unit system-call-filter 8000 <<<'SystemCallFilter=@system-service'
        served system-call-filter
}

# Where the kernel does not even make IP sockets.
scenario_restrict_address_families() {
        server_unit unix-only 8000 </dev/null
        served unix-only '[Service]' 'RestrictAddressFamilies=AF_UNIX'
}

scenario_restrict_address_families_python() {
        unit python-unix-only.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -m http.server --directory /usr/share/common-licenses 8000
END
        web_rules python-unix-only '[Service]' 'RestrictAddressFamilies=AF_UNIX'
        reload
        start python-unix-only-http.socket
        activates_on_unix python-unix-only.service /run/python-unix-only.sock GPL-3
}

# The library is not there, so the generator brings it in.
scenario_root_directory() {
        make_root /var/lib/rooted "$SERVER"
        server_unit rooted 8000 <<<'RootDirectory=/var/lib/rooted'
        served rooted
        [[ ! -e /proc/$(main_pid rooted.service)/root/usr/bin ]] || fail "it sees all of /usr"
}

# The same from the rule file's own [Service].
scenario_root_directory_in_rule_file() {
        make_root /var/lib/rooted-here "$SERVER"
        server_unit rooted-here 8000 </dev/null
        served rooted-here '[Service]' 'RootDirectory=/var/lib/rooted-here'
}

# The directory of the library is hidden.
scenario_temporary_file_system() {
        local library
        library=$(readlink -f "$(find /usr/lib /usr/lib64 -name libip2unix.so | head -n 1)")
        server_unit temporary 8000 <<<"TemporaryFileSystem=$(dirname "$library")"
        served temporary
}

# Everything that a careful administrator writes.
scenario_locked_down() {
        server_unit locked-down 8000 <<'END'
DynamicUser=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
ProcSubset=pid
NoNewPrivileges=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
END
        served locked-down '[Service]' 'PrivateNetwork=yes' 'RestrictAddressFamilies=AF_UNIX'
}
