# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Services that stop, start again and crash.

# For wait_until: so many processes have answered a good many requests of load.py.
processes_at_work() { [[ $(grep -c '^at work: ' "$1") -ge $2 ]]; } # processes_at_work FILE COUNT

scenario_restart_under_load() {
        local load result round pid
        server_unit busy 8000 </dev/null
        web_rules busy
        reload
        start busy-http.socket
        "$HOME_DIRECTORY/load.py" /run/busy.sock 300 20 >"$STATE/load" &
        load=$!
        for round in {1..5}; do
                wait_until processes_at_work "$STATE/load" "$round"
                sleep 0.3
                pid=$(main_pid busy.service)
                systemctl restart busy.service
                [[ $(main_pid busy.service) != "$pid" ]] || fail "restart $round did nothing"
        done
        wait_until processes_at_work "$STATE/load" 6
        kill "$load"
        wait "$load"
        result=$(tail -n 1 "$STATE/load")
        matches "$result" '^([0-9]+) of ([0-9]+) by ([0-9]+)$'
        equal "requests answered" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
        [[ ${BASH_REMATCH[3]} -ge 6 ]] || fail "only ${BASH_REMATCH[3]} processes answered"
        no_ip_sockets busy.service
}

scenario_stop_then_connect() {
        server_unit stopped 8000 </dev/null
        web_rules stopped
        reload
        start stopped-http.socket
        activates_on_unix stopped.service /run/stopped.sock listener=0.0.0.0:8000
        systemctl stop stopped.service
        activates_on_unix stopped.service /run/stopped.sock listener=0.0.0.0:8000
}

scenario_crash() {
        local before
        server_unit crashing 8000 <<<$'Restart=always\nRestartSec=0'
        web_rules crashing
        reload
        start crashing-http.socket
        activates_on_unix crashing.service /run/crashing.sock listener=0.0.0.0:8000
        before=$(main_pid crashing.service)
        kill -KILL "$before"
        matches "$(get /run/crashing.sock)" 'pid=([0-9]+)'
        [[ ${BASH_REMATCH[1]} != "$before" ]] || fail "answered by the dead"
        equal "number of restarts" "$(property crashing.service NRestarts)" 1
        no_ip_sockets crashing.service
}

# systemd reads all units again, and starts itself anew: it still has the socket, and so the service.
scenario_manager_reexecuted() {
        server_unit reexecuted 8000 </dev/null
        web_rules reexecuted
        reload
        start reexecuted-http.socket
        activates_on_unix reexecuted.service /run/reexecuted.sock listener=0.0.0.0:8000
        reload
        systemctl daemon-reexec
        contains "$(get /run/reexecuted.sock)" "pid=$(main_pid reexecuted.service) "
        systemctl stop reexecuted.service
        activates_on_unix reexecuted.service /run/reexecuted.sock listener=0.0.0.0:8000
}

# Each time that the program binds again, it gets the same socket again.
scenario_bound_again() {
        local round
        file /srv/again.py <<'END'
import socket
for round in range(3):
    listener = socket.create_server(('0.0.0.0', 8000))
    client = listener.accept()[0]
    client.recv(1000)
    client.sendall(b'HTTP/1.0 200 OK\r\n\r\nround=%d\n' % round)
    client.close()
    listener.close()
END
        unit bound-again.service <<<$'[Service]\nExecStart=/usr/bin/python3 /srv/again.py'
        web_rules bound-again
        reload
        start bound-again-http.socket
        for round in 0 1 2; do
                contains "$(get /run/bound-again.sock)" "round=$round"
                no_ip_sockets
        done
}

# Started by hand, not by traffic: the sockets come with it.
scenario_started_by_hand() {
        server_unit by-hand 8000 </dev/null
        web_rules by-hand
        reload
        start by-hand.service
        active by-hand-http.socket
        contains "$(get /run/by-hand.sock)" listener=0.0.0.0:8000
        no_ip_sockets by-hand.service
}

# The socket can't be started while its service runs, but restarted.
scenario_socket_restarted() {
        local before
        server_unit socket-restarted 8000 </dev/null
        web_rules socket-restarted
        reload
        start socket-restarted-http.socket
        activates_on_unix socket-restarted.service /run/socket-restarted.sock pid=
        before=$(main_pid socket-restarted.service)
        systemctl restart socket-restarted-http.socket
        contains "$(get /run/socket-restarted.sock)" listener=0.0.0.0:8000
        [[ $(main_pid socket-restarted.service) != "$before" ]] || fail "the service went on"
        no_ip_sockets socket-restarted.service
}

# Enabled at boot: its socket is there first.
prepare_enabled_at_boot() {
        server_unit at-boot 8000 </dev/null
        link ../at-boot.service /etc/systemd/system/multi-user.target.wants/at-boot.service
        web_rules at-boot
}

scenario_enabled_at_boot() {
        local socket service
        active at-boot.service
        active at-boot-http.socket
        socket=$(property at-boot-http.socket ActiveEnterTimestampMonotonic)
        service=$(property at-boot.service ExecMainStartTimestampMonotonic)
        [[ $socket -gt 0 && $socket -le $service ]] ||
                fail "the service was started at $service, the socket at $socket"
        contains "$(get /run/at-boot.sock)" listener=0.0.0.0:8000
        no_ip_sockets at-boot.service
}

# LogLevel= reaches the shim, and its messages the journal with a priority.
scenario_log_level() {
        local messages
        server_unit logging 8000 </dev/null
        web_rules logging
        sed -i '/^Rule=/aLogLevel=info' /etc/ip2unix.d/logging.conf
        reload
        start logging-http.socket
        activates_on_unix logging.service /run/logging.sock listener=0.0.0.0:8000
        journalctl --sync
        messages=$(journalctl -q -b -u logging.service -p info..info -o cat)
        matches "$messages" "ip2unix: port 8000: .*'http'"
        contains_not "$messages" '<6>'
}
