# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A service that the library can't get into does not start, whatever keeps it out.

LIBRARY=$(find /usr/lib /usr/lib64 -name libip2unix.so | head -n 1)
LIBRARY_DIRECTORY=${LIBRARY%/*}
WITHOUT="libip2unix.so is not preloaded here, so that the service would open its IP ports: "

# guarded NAME: a service that would do, with what is on standard input in its [Service] section.
guarded() {
        server_unit "$1" 8000
        web_rules "$1"
        reload
}

# bare NAME REASON: the check before its start sees that the library is not there, and says why.
bare() {
        refused "$1.service" "--unless-preloaded" "status=${STATUS:-78}"
        contains "$(journal "$1.service")" "$WITHOUT$2"
        state_is "$1.service" failed
}

# works NAME: once nothing keeps the library out any more.
works() {
        systemctl reset-failed "$1.service"
        start "$1-http.socket"
        activates_on_unix "$1.service" "/run/$1.sock" "listener=0.0.0.0:8000"
}

# Whatever becomes of the scenario, the others need the library.
keep_library() {
        cp -p "$LIBRARY" "$STATE/library"
        trap 'cp -p "$STATE/library" "$LIBRARY"' EXIT
}

restore_library() {
        trap - EXIT
        cp -p "$STATE/library" "$LIBRARY"
}

scenario_library_removed() {
        guarded removed </dev/null
        keep_library
        rm "$LIBRARY"
        bare removed "$LIBRARY: No such file or directory"
        restore_library
        works removed
}

scenario_library_corrupt() {
        guarded corrupt </dev/null
        keep_library
        head -c 100 "$STATE/library" >"$LIBRARY"
        bare corrupt "$LIBRARY: not a shared library for this machine"
        # Here the loader believes the header and gets a signal.
        head -c 30000 "$STATE/library" >"$LIBRARY"
        systemctl reset-failed corrupt.service
        refused corrupt.service --unless-preloaded
        restore_library
        works corrupt
}

# What is written about the service may call the refusal a success: it is none all the same.
scenario_library_removed_where_78_is_success() {
        guarded removed-78 <<<'SuccessExitStatus=78 100'
        keep_library
        rm "$LIBRARY"
        STATUS=101 bare removed-78 "$LIBRARY: No such file or directory"
        restore_library
        works removed-78
}

scenario_library_removed_with_restarts() {
        guarded removed-restart <<<$'Restart=always\nRestartSec=1ms'
        keep_library
        rm "$LIBRARY"
        systemctl start removed-restart-http.socket
        ! systemctl start removed-restart.service || fail "it was started"
        wait_until state_is_failed removed-restart.service
        no_ip_sockets
        contains "$(journal removed-restart.service)" "$WITHOUT"
        restore_library
}

# As Debian's redis-server.service has it, with the library outside of what it allows.
scenario_no_exec_paths_without_library() {
        local loader
        loader=$(ldd "$SERVER" | grep -o '/[^ ]*/ld-[^ ]*')
        guarded no-exec <<END
NoExecPaths=/
ExecPaths=$SERVER $(readlink -f "$loader" "$(ldd "$SERVER" | grep -o '/[^ ]*libc\.so[^ ]*')" | paste -sd ' ')
END
        contains "$(property no-exec.service ExecPaths)" "$LIBRARY"
        works no-exec
}

scenario_library_on_mount_without_exec() {
        guarded mounted </dev/null
        mount --bind "$LIBRARY_DIRECTORY" "$LIBRARY_DIRECTORY"
        trap 'umount "$LIBRARY_DIRECTORY"' EXIT
        mount -o remount,bind,noexec "$LIBRARY_DIRECTORY"
        bare mounted "$LIBRARY: Operation not permitted"
        trap - EXIT
        umount "$LIBRARY_DIRECTORY"
        works mounted
}

scenario_library_inaccessible() {
        guarded inaccessible <<<$'User=nobody\nInaccessiblePaths='"$LIBRARY"
        bare inaccessible "$LIBRARY: Permission denied"
        guarded inaccessible-root <<<"InaccessiblePaths=$LIBRARY_DIRECTORY"
        bare inaccessible-root "$LIBRARY: No such file or directory"
}

scenario_library_directory_closed_to_user() {
        guarded closed <<<'User=nobody'
        trap 'chmod 0755 "$LIBRARY_DIRECTORY"' EXIT
        chmod 0750 "$LIBRARY_DIRECTORY"
        bare closed "$LIBRARY: Permission denied"
        trap - EXIT
        chmod 0755 "$LIBRARY_DIRECTORY"
        works closed
}

# All at once: the check must get through whatever the service itself gets through.
scenario_check_in_sandbox() {
        guarded boxed <<'END'
Type=exec
DynamicUser=yes
NoNewPrivileges=yes
MemoryDenyWriteExecute=yes
PrivateDevices=yes
PrivateNetwork=yes
PrivateUsers=yes
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
ProtectSystem=strict
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
TasksMax=8
LimitNOFILE=16
UMask=0777
END
        works boxed
}

# Programs that systemd starts around the service, and in which order.
scenario_check_is_last() {
        guarded last <<<$'ExecStartPre=/bin/true\nExecStartPre=-/bin/false\nExecStartPre=+/bin/true'
        matches "$(property last.service ExecStartPre | tail -n 1)" unless-preloaded
        equal "commands" "$(property last.service ExecStartPre | wc -l)" 4
        works last
}

# Commands that are not confined as the check is.
scenario_check_before_privileged_command() {
        { printf '[Service]\nUser=nobody\nExecStart=+%s 8000\n' "$SERVER"; } | unit privileged.service
        web_rules privileged
        reload
        works privileged
}

scenario_check_of_oneshot() {
        unit oneshot.service <<END
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/touch /run/oneshot-1
ExecStart=/usr/bin/touch /run/oneshot-2
END
        web_rules oneshot
        reload
        start oneshot.service
        [[ -e /run/oneshot-1 && -e /run/oneshot-2 ]] || fail "a command did not run"
        rm /run/oneshot-[12]
        systemctl stop oneshot.service oneshot-http.socket
        keep_library
        rm "$LIBRARY"
        bare oneshot "$LIBRARY: No such file or directory"
        [[ ! -e /run/oneshot-1 ]] || fail "a command did run"
        restore_library
}

# After a reload the generator knows it as well, and says where the rules are that need the library.
scenario_library_seen_by_generator() {
        guarded unseen </dev/null
        keep_library
        rm "$LIBRARY"
        reload
        refused unseen.service "/etc/ip2unix.d/unseen.conf:1: no library can be preloaded: $LIBRARY: No such file or directory"
        : >"$LIBRARY"
        reload
        refused unseen.service "$LIBRARY: not a shared library for this machine"
        restore_library
        reload
        works unseen
}
