# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What scenarios are written with. Sourced by driver.sh, inside of the container.
#
# A scenario writes files with rule_file, unit and file, which are removed after it, and then
# asserts. Every assertion ends the scenario when it doesn't hold, and says what it saw instead.
# $STATE is a folder for the scenario's own notes; it outlives the boot.

HOME_DIRECTORY=/usr/local/lib/ip2unix-tests
PROGRAMS=$HOME_DIRECTORY/programs
SERVER=$PROGRAMS/server
# Seconds that anything may take which will happen. A busy machine takes ten times as long as an
# idle one, and is waited for.
PATIENCE=60

# Works in $(...) too: it ends the scenario, not only the subshell.
fail() {
        local frame=1 place
        echo "FAILED: $*" >&2
        # From the assertion up to the line of the scenario.
        while place=$(caller $frame) && [[ $place != *driver.sh ]]; do
                echo "  at line $place" >&2
                frame=$((frame + 1))
        done
        [[ $BASH_SUBSHELL -eq 0 ]] || kill -TERM $$
        exit 1
}

# The scenario can't run here: skip REASON
skip() {
        echo "$*" >"$STATE/skip"
        exit 77
}

# --- files ---------------------------------------------------------------------------------------

# file PATH [MODE]: write standard input to a file that is removed after the scenario.
file() {
        mkdir -p "$(dirname "$1")"
        # Never write through a link.
        rm -f "$1"
        cat >"$1"
        chmod "${2:-0644}" "$1"
        echo "$1" >>"$STATE/files"
}

link() {
        mkdir -p "$(dirname "$2")"
        ln -sfn "$1" "$2"
        echo "$2" >>"$STATE/files"
}

# directory PATH: removed after the scenario, like a file.
directory() {
        mkdir -p "$1"
        echo "$1" >>"$STATE/files"
}

# Remember the units whose names start with this, to be stopped after the scenario and to be shown
# when it fails.
_remember() {
        local stem=${1##*/}
        stem=${stem%.*}
        grep -qxs -- "${stem%%@*}" "$STATE/stems" || echo "${stem%%@*}" >>"$STATE/stems"
}

# rule_file NAME [DIRECTORY]: standard input is the rule file NAME.conf.
rule_file() {
        _remember "$1.conf"
        file "${2:-/etc/ip2unix.d}/$1.conf"
}

# unit NAME.SUFFIX: standard input is the unit file.
unit() {
        _remember "$1"
        file "/etc/systemd/system/$1"
}

# server_unit NAME ARGUMENT...: a plain service that runs programs/server. What is on standard input
# is added to its [Service] section.
server_unit() {
        local name=$1
        shift
        { printf '[Service]\nExecStart=%s %s\n' "$SERVER" "$*"; cat; } | unit "$name.service"
}

# web_rules NAME [LINE]...: a rule file that serves port 8000 on /run/NAME.sock, and the lines.
web_rules() {
        local name=$1
        shift
        rule_file "$name" <<END
[Rules]
Rule=in,tcp,port=8000,systemd=http

[Socket http]
ListenStream=/run/$name.sock

$(printf '%s\n' "$@")
END
}

# ready_server NAME ARGUMENT...: as server_unit; when it has started, its sockets listen.
ready_server() {
        local name=$1
        shift
        { echo Type=notify; cat; } | server_unit "$name" --notify "$@"
}

# path_rules NAME OPTIONS [LINE]...: port 8000 is served on /run/NAME/http.sock.
path_rules() {
        local name=$1 options=$2
        shift 2
        rule_file "$name" <<END
[Rules]
Rule=in,tcp,port=8000,path=/run/$name/http.sock$options
Rule=in,reject

$(printf '%s\n' "$@")
END
}

# client_unit NAME HOST: asks port 8000 of the host, once, and logs the answer.
client_unit() {
        unit "$1.service" <<END
[Service]
Type=oneshot
ExecStart=/usr/bin/curl -sS --fail --max-time $PATIENCE http://$2:8000/
END
}

# make_root DIRECTORY PROGRAM: a root directory with the program and the libraries that it needs.
make_root() {
        local library
        mkdir -p "$1"/{dev,etc,proc,run,sys,tmp,usr,var}
        echo "$1" >>"$STATE/files"
        for library in "$2" $(ldd "$2" | grep -o '/[^ ]*'); do
                install -D "$library" "$1$library"
        done
}

# --- systemd -------------------------------------------------------------------------------------

reload() { systemctl daemon-reload; }

start() { systemctl start "$@" || fail "starting $* failed"; }

property() { systemctl show -P "$2" -- "$1"; }

main_pid() {
        local pid
        wait_until settled "$1"
        pid=$(property "$1" MainPID)
        [[ $pid -gt 0 ]] || fail "$1 has no main process"
        echo "$pid"
}

# With what has been logged so far, which it does not wait for.
status() {
        journalctl --sync
        systemctl status --no-pager --full -- "$@" || true
}

# journal UNIT: its messages so far.
journal() {
        journalctl --sync
        journalctl -q -b --no-pager -o cat -u "$1"
}

# journal_of PROGRAM: the messages that it has sent to syslog(3). The journal looks a message's unit
# up in /proc when it gets to it, so that the last words of a process that ends belong to none.
journal_of() {
        journalctl --sync
        journalctl -q -b --no-pager -o cat -t "$1"
}

# journal_of_user USER: of all that runs as this user.
journal_of_user() {
        journalctl --sync
        journalctl -q -b --no-pager -o cat _UID="$(id -u "$1")"
}

# wait_until COMMAND...
wait_until() {
        local end=$((SECONDS + PATIENCE))
        until "$@"; do
                [[ $SECONDS -lt $end ]] || fail "waited in vain: $*"
                sleep 0.05
        done
}

# --- assertions ----------------------------------------------------------------------------------

equal() { # equal WHAT ACTUAL EXPECTED
        [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"
}

contains() { # contains TEXT PART...
        local text=$1 part
        shift
        for part; do
                [[ $text == *"$part"* ]] || fail "'$part' is not in: $text"
        done
}

contains_not() { # contains_not TEXT PART
        [[ $1 != *"$2"* ]] || fail "'$2' is in: $1"
}

matches() { # matches TEXT REGULAR-EXPRESSION
        [[ $1 =~ $2 ]] || fail "nothing like '$2' is in: $1"
}

# The unit is on its way to no other state. A service may well answer before systemd has heard that
# it is ready, or that its first process has ended.
settled() { [[ $(property "$1" ActiveState) != @(activating|deactivating|reloading) ]]; }

state_is() { # state_is UNIT STATE
        wait_until settled "$1"
        equal "state of $1" "$(property "$1" ActiveState)" "$2"
}

inactive() {
        state_is "$1" inactive
        equal "main process of $1" "$(property "$1" MainPID)" 0
}

active() { state_is "$1" active; }

has_rights() { # has_rights FILE "MODE USER GROUP"
        equal "rights of $1" "$(stat -c '%a %U %G' "$1")" "$2"
}

is_gone() { [[ ! -e $1 ]] || fail "$1 is still there"; }

is_socket() { [[ -S $1 ]] || fail "$1 is no socket"; }

# Addresses on which anything listens on IP, in the network namespace of the container and in that
# of the unit's process.
ip_sockets() {
        {
                ss -Htln
                ss -Huln
                if [[ $# -gt 0 ]]; then
                        nsenter --net --target "$(main_pid "$1")" ss -Htln
                        nsenter --net --target "$(main_pid "$1")" ss -Huln
                fi
        } | awk '{ print $4 }' | sort -u | paste -sd ' '
}

# no_ip_sockets [UNIT]
no_ip_sockets() { equal "what listens on IP" "$(ip_sockets "$@")" ""; }

has_private_network() {
        local inside
        inside=$(readlink "/proc/$(main_pid "$1")/ns/net")
        [[ $inside != "$(readlink /proc/self/ns/net)" ]] || fail "$1 has no private network"
}

has_loaded() { # has_loaded UNIT LIBRARY...
        local names
        names=$(awk '{ print $6 }' "/proc/$(main_pid "$1")/maps" | sort -u)
        shift
        contains "$names" "$@"
}

# get SOCKET|ADDRESS:PORT [PATH]: ask over HTTP, print the body. The client's address is $FROM.
get() {
        local options=(-sS --fail --noproxy '*' --max-time "$PATIENCE")
        if [[ $1 == /* ]]; then
                curl "${options[@]}" --unix-socket "$1" "http://server${2:-/}"
        else
                curl "${options[@]}" ${FROM:+--interface "$FROM"} "http://$1${2:-/}"
        fi || fail "no answer on $1"
}

# activates UNIT SOCKET|ADDRESS:PORT TEXT...: the service does not run, the first connection starts
# it, the answer holds the text.
activates() {
        local unit=$1 target=$2 answer
        shift 2
        inactive "$unit"
        answer=$(get "$target")
        contains "$answer" "$@"
        active "$unit"
}

# activates_on_unix UNIT SOCKET TEXT...: the same, and nothing listens on IP before and after.
activates_on_unix() {
        no_ip_sockets
        activates "$@"
        no_ip_sockets "$1"
}

# answered_by NAME PROCESSES: on /run/NAME.sock. Which worker is quickest is chance, so ask often.
answered_by() {
        local answers end=$((SECONDS + PATIENCE))
        until answers=$("$HOME_DIRECTORY/load.py" "/run/$1.sock" 0.3 20 | tail -n 1) &&
                [[ $answers == *"by $2" || $SECONDS -ge $end ]]; do
                :
        done
        matches "$answers" "^([0-9]+) of ([0-9]+) by $2\$"
        equal "requests answered" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
}

# refused UNIT TEXT...: it can't be started, nothing of it runs, and its status holds the text.
refused() {
        local unit=$1 text
        shift
        ! systemctl start "$unit" || fail "$unit was started"
        [[ $(property "$unit" ActiveState) != active ]] || fail "$unit is active"
        equal "main process of $unit" "$(property "$unit" MainPID)" 0
        text=$(status "$unit")
        contains "$text" "$@"
        no_ip_sockets
}

# The service has not run since the machine booted.
not_started_since_boot() {
        inactive "$1"
        equal "start of $1" "$(property "$1" ExecMainStartTimestampMonotonic)" 0
}

# The service runs, and what listens on IP is these addresses alone: systemd's, since its own
# network namespace has none.
listens_only_on() { # listens_only_on UNIT ADDRESS...
        local unit=$1
        shift
        has_private_network "$unit"
        equal "what listens on IP" "$(ip_sockets "$unit")" "$*"
}

# exchange ADDRESS: send standard input as one datagram, by socat, and print what comes back.
exchange() {
        local answer
        answer=$(mktemp "$STATE/exchange.XXX")
        # shellcheck disable=SC2094
        { cat && wait_until test -s "$answer"; } | socat - "$1" >"$answer" && cat "$answer"
}

# For wait_until: process NUMBER is COUNT processes' parent.
has_children() { [[ $(pgrep --count --parent "$1") -eq $2 ]]; }

# For wait_until: it is in the unit's messages COUNT times, or more often.
logged_times() { # logged_times UNIT COUNT TEXT
        [[ $(journal "$1" | grep -cF -- "$3") -ge $2 ]]
}

# For wait_until.
state_is_failed() { [[ $(property "$1" ActiveState) == failed ]]; }
