# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Services that run under ip2unix(1), as it is installed, without a rule file or beside one.

# ip2unix_unit NAME ARGUMENT...: a service of ip2unix with these arguments. What is on standard input
# is added to its [Service] section.
ip2unix_unit() {
        local name=$1
        shift
        { printf '[Service]\nExecStart=/usr/bin/ip2unix %s\n' "$*"; cat; } | unit "$name.service"
}

# What systemd passes is for the process that ip2unix becomes.
scenario_ip2unix_with_socket() {
        unit cli-socket.socket <<<$'[Socket]\nListenStream=/run/cli-socket.sock\nFileDescriptorName=web'
        ip2unix_unit cli-socket -r in,tcp,port=8000,systemd=web -r in,reject "$SERVER" 8000 \
                <<<'PrivateNetwork=yes'
        reload
        start cli-socket.socket
        activates_on_unix cli-socket.service /run/cli-socket.sock listener=0.0.0.0:8000
        equal "the main process" "$(readlink "/proc/$(main_pid cli-socket.service)/exe")" "$SERVER"
}

# Relative paths start from the service's own directory; names of users are looked up as it starts.
scenario_ip2unix_with_path() {
        ip2unix_unit cli-path -r in,path=http.sock,mode=0660,group=www-data "$SERVER" --notify 8000 \
                <<<$'Type=notify\nRuntimeDirectory=cli-path\nWorkingDirectory=/run/cli-path'
        reload
        start cli-path.service
        has_rights /run/cli-path/http.sock "660 root www-data"
        contains "$(get /run/cli-path/http.sock)" listener=0.0.0.0:8000
        no_ip_sockets cli-path.service
        systemctl stop cli-path.service
        is_gone /run/cli-path/http.sock
}

# What is wrong ends the service before anything runs, and is an error in the journal.
scenario_ip2unix_wrong() {
        ip2unix_unit cli-wrong -r in,tpc,reject "$SERVER" 8000 </dev/null
        reload
        start cli-wrong.service
        wait_until state_is_failed cli-wrong.service
        equal "exit status" "$(property cli-wrong.service ExecMainStatus)" 78
        journalctl --sync
        contains "$(journalctl -q -b --no-pager -o cat -p err -u cli-wrong.service)" \
                "ip2unix: rule 1: unknown flag 'tpc', did you mean 'tcp'?" "  in,tpc,reject" "     ^^^"
        no_ip_sockets
}

# Rules of both hold: those of the command line first, then those of the rule file.
scenario_ip2unix_beside_rule_file() {
        ip2unix_unit cli-beside -p -r in,port=8001,path=/run/cli-beside-own.sock "$SERVER" 8000 8001 \
                </dev/null
        web_rules cli-beside
        reload
        start cli-beside-http.socket
        activates_on_unix cli-beside.service /run/cli-beside.sock listener=0.0.0.0:8000
        contains "$(get /run/cli-beside-own.sock)" listener=0.0.0.0:8001
        matches "$(journal cli-beside.service)" '1  -r  .*port 8001.*2  inherited  .*port 8000'
        systemctl stop cli-beside.service
        is_gone /run/cli-beside-own.sock
}
