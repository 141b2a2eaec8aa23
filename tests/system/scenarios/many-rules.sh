# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Lists of rules that are longer than a variable of the environment can be.

# many_rules NAME NUMBER: so many rules, of which the last one is about the server's port.
many_rules() {
        {
                echo '[Rules]'
                for ((port = 10000; port < 10000 + $2 - 1; port++)); do
                        echo "Rule=in,tcp,addr=127.0.0.1,port=$port,path=/run/$1/%a-%p.sock,mode=0660"
                done
                echo "Rule=in,tcp,port=8000,path=/run/$1/http.sock"
        } | rule_file "$1"
}

many_rules_work() { # many_rules_work NAME NUMBER VARIABLES
        local name=$1 environment
        directory "/run/$name"
        ready_server "$name" 8000 127.0.0.1:10000 127.0.0.1:$((10000 + $2 - 2)) </dev/null
        many_rules "$name" "$2"
        reload
        start "$name.service"
        contains "$(get "/run/$name/http.sock")" listener=0.0.0.0:8000
        contains "$(get "/run/$name/127.0.0.1-10000.sock")" listener=127.0.0.1:10000
        contains "$(get "/run/$name/127.0.0.1-$((10000 + $2 - 2)).sock")" listener=127.0.0.1:
        no_ip_sockets "$name.service"
        environment=$(tr '\0' '\n' <"/proc/$(main_pid "$name.service")/environ")
        equal "variables" "$(grep -c ^IP2UNIX_RULES <<<"$environment")" "$3"
        equal "rules shown" "$(property "$name.service" Environment | grep -o in,tcp | wc -l)" "$2"
}

scenario_thousand_rules() { many_rules_work path-thousand 1000 1; }

scenario_five_thousand_rules() { many_rules_work path-thousands 5000 4; }

# A part of the list gets lost on the way: the rest may leave a port open, so nothing starts.
scenario_part_of_rules_lost() {
        directory /run/path-lost
        ready_server path-lost 8000 </dev/null
        many_rules path-lost 5000
        file /etc/systemd/system/path-lost.service.d/lost.conf <<'END'
[Service]
UnsetEnvironment=IP2UNIX_RULES_3
END
        reload
        refused path-lost.service status=78
        contains "$(journal path-lost.service)" "ip2unix: " IP2UNIX_RULES_3
}

# What goes beyond the limit is an error of the file, which names it.
scenario_too_many_rules() {
        ready_server path-too-many 8000 </dev/null
        {
                echo '[Rules]'
                seq -f "Rule=in,tcp,port=%g,path=/run/$(printf '%090d' 0)" 18000
        } | rule_file path-too-many
        reload
        refused path-too-many.service "16 environment variables of 131071 bytes"
}
