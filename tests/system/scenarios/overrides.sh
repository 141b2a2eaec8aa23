# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What else the administrator writes for the unit must not undo the rules.

# overridden NAME: the unit NAME, which serves port 8000, with the drop-in on standard input.
overridden() {
        server_unit "$1" 8000 <<<$'Environment=OLD=1\nExecStartPre=/bin/true'
        file "/etc/systemd/system/$1.service.d/override.conf"
        web_rules "$1"
        reload
        start "$1-http.socket"
        activates_on_unix "$1.service" "/run/$1.sock" listener=0.0.0.0:8000
}

environment_of() { tr '\0' '\n' <"/proc/$(main_pid "$1")/environ"; }

scenario_override_resets_environment() {
        overridden reset-environment <<<$'[Service]\nEnvironment=\nEnvironment=NEW=1'
        contains "$(environment_of reset-environment.service)" NEW=1
        contains_not "$(environment_of reset-environment.service)" OLD=1
}

scenario_override_resets_environment_file() {
        file /etc/default/reset-environment-file <<<NEW=1
        overridden reset-environment-file <<'END'
[Service]
EnvironmentFile=
EnvironmentFile=/etc/default/reset-environment-file
END
        contains "$(environment_of reset-environment-file.service)" NEW=1
}

scenario_override_resets_exec_start_pre() {
        overridden reset-exec-start-pre <<<$'[Service]\nExecStartPre='
        contains_not "$(property reset-exec-start-pre.service ExecStartPre)" /bin/true
}

# A broken rule file refuses by a command of its own: the same resets must not let the service start.
scenario_override_of_refused_service() {
        server_unit reset-refusal 8000 </dev/null
        file /etc/systemd/system/reset-refusal.service.d/override.conf <<'END'
[Service]
Environment=
EnvironmentFile=
ExecStartPre=
ExecStartPre=/bin/true
END
        rule_file reset-refusal <<<$'[Rules]\nRule=in,tpc,systemd=http'
        reload
        refused reset-refusal.service /etc/ip2unix.d/reset-refusal.conf:2: "'tpc'"
}

# preloads_both UNIT: both libraries are in the service's process.
preloads_both() { has_loaded "$1" libip2unix.so libjemalloc.so.2; }

scenario_unit_preloads_another_library() {
        server_unit jemalloc 8000 <<<'Environment=LD_PRELOAD=libjemalloc.so.2'
        web_rules jemalloc
        reload
        start jemalloc-http.socket
        activates_on_unix jemalloc.service /run/jemalloc.sock listener=0.0.0.0:8000
        preloads_both jemalloc.service
}

scenario_override_preloads_another_library() {
        local library
        library=$(ldconfig -p | sed -n 's/.*libjemalloc\.so\.2.* => //p' | head -n 1)
        overridden jemalloc-override <<<$'[Service]\nEnvironment=LD_PRELOAD='"$library"
        preloads_both jemalloc-override.service
}

# Whatever the file preloads: the rules hold.
scenario_environment_file_preloads_another_library() {
        file /etc/default/jemalloc-file <<<LD_PRELOAD=libjemalloc.so.2
        overridden jemalloc-file <<<$'[Service]\nEnvironmentFile=/etc/default/jemalloc-file'
}

# A drop-in for all services, and one for all whose names start alike.
scenario_override_for_many_services() {
        file /etc/systemd/system/service.d/every.conf <<<$'[Service]\nEnvironment=\nEnvironmentFile='
        file /etc/systemd/system/many-.service.d/many.conf <<<$'[Service]\nExecStartPre='
        overridden many-one <<<$'[Service]\nEnvironment=NEW=1'
}

# A drop-in whose name sorts after ours can take the rules away: then nothing starts.
scenario_late_override_resets_environment() {
        server_unit late 8000 </dev/null
        file /etc/systemd/system/late.service.d/zzz.conf <<<$'[Service]\nEnvironment='
        web_rules late
        reload
        start late-http.socket
        refused late.service status=78
        contains "$(journal late.service)" "IP2UNIX_RULES is not set"
}

# One whose name sorts after ours may take back what it does: then nothing starts either.
late_override() { # late_override NAME LINE...
        local name=$1
        shift
        server_unit "$name" 8000 </dev/null
        web_rules "$name"
        file "/etc/systemd/system/$name.service.d/zz-local.conf" < <(printf '%s\n' '[Service]' "$@")
        reload
}

scenario_late_override_resets_everything() {
        late_override late-reset Environment= EnvironmentFile=
        refused late-reset.service /etc/systemd/system/late-reset.service.d/zz-local.conf
        mv /etc/systemd/system/late-reset.service.d/{zz-local,10-local}.conf
        reload
        systemctl reset-failed late-reset.service
        start late-reset-http.socket
        activates_on_unix late-reset.service /run/late-reset.sock listener=0.0.0.0:8000
        rm /etc/systemd/system/late-reset.service.d/10-local.conf
}

scenario_late_override_preloads_by_file() {
        late_override late-file EnvironmentFile=-/etc/default/late-file
        file /etc/default/late-file <<<LD_PRELOAD=libjemalloc.so.2
        refused late-file.service /etc/systemd/system/late-file.service.d/zz-local.conf
}

# masked_instead UNIT: it does not start, and nothing of it runs. Why is in the generator's log.
masked_instead() {
        ! systemctl start "$1" || fail "$1 was started"
        equal "load state of $1" "$(property "$1" LoadState)" masked
        no_ip_sockets
}

scenario_late_override_of_refused_service() {
        late_override late-refused ExecStartPre=
        sed -i s/tcp/tpc/ /etc/ip2unix.d/late-refused.conf
        reload
        masked_instead late-refused.service
}

# Somebody has copied the drop-in to change it.
scenario_dropin_replaced_by_administrator() {
        server_unit replaced 8000 </dev/null
        web_rules replaced
        file /etc/systemd/system/replaced.service.d/zz-ip2unix.conf <<<$'[Service]\nNice=1'
        reload
        masked_instead replaced.service
        rm /etc/systemd/system/replaced.service.d/zz-ip2unix.conf
        reload
        start replaced-http.socket
        activates_on_unix replaced.service /run/replaced.sock listener=0.0.0.0:8000
}

# The library is mapped where nothing but what the unit names can be seen, or run.
scenario_temporary_file_system_as_root() {
        server_unit tmpfs-root 8000 <<END
TemporaryFileSystem=/:ro
BindReadOnlyPaths=$(ldd "$SERVER" | grep -o '/[^ ]*' | tr '\n' ' ')$SERVER
END
        web_rules tmpfs-root
        reload
        start tmpfs-root-http.socket
        activates_on_unix tmpfs-root.service /run/tmpfs-root.sock listener=0.0.0.0:8000
}

scenario_no_exec_paths() {
        server_unit no-exec 8000 <<END
NoExecPaths=/
ExecPaths=$(ldd "$SERVER" | grep -o '/[^ ]*' | tr '\n' ' ')$SERVER
END
        web_rules no-exec
        reload
        start no-exec-http.socket
        activates_on_unix no-exec.service /run/no-exec.sock listener=0.0.0.0:8000
}

# systemd starts the service with the environment that PAM makes of its own.
scenario_pam_preloads_another_library() {
        file /etc/pam.d/pam-preloads <<'END'
auth required pam_permit.so
account required pam_permit.so
session required pam_env.so readenv=1
END
        file /etc/environment <<<LD_PRELOAD=libjemalloc.so.2
        server_unit pam-preloads 8000 <<<$'PAMName=pam-preloads\nUser=nobody'
        web_rules pam-preloads
        reload
        refused pam-preloads.service /etc/ip2unix.d/pam-preloads.conf:1: /etc/environment
        file /etc/environment <<<LANG=C
        reload
        systemctl reset-failed pam-preloads.service
        start pam-preloads-http.socket
        activates_on_unix pam-preloads.service /run/pam-preloads.sock listener=0.0.0.0:8000
}
