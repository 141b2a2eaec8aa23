# SPDX-License-Identifier: LGPL-2.1-or-later
# bash completion for ip2unix(1)                                            -*- shell-script -*-

# What a rule is made of: ip2unix-rules(7). Keys end in '='; some also stand alone.
_ip2unix_words='in out tcp stream udp dgram datagram addr= address= port= from-unix= from-abstract=
        path= abstract= systemd systemd= reject reject= blackhole ignore inet=
        noremove mode= user= group= peer='

_ip2unix_options='-r --rule -f --file -p --print -c --check -v --verbose -h --help --version'

_ip2unix_errnos='
        EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN EWOULDBLOCK
        ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE
        EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK
        EDEADLOCK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM ECHRNG EL2NSYNC
        EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT
        EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM
        EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD
        ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ
        EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP ENOTSUP
        EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET
        ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT
        ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM
        ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED
        EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON'

# Print the values of a key that begin so.
_ip2unix_values()
{
        local key=$1 value=$2

        case $key in
        path | from-unix) compgen -f -- "$value" | while IFS= read -r file; do
                if [[ -d $file ]]; then file+=/; fi
                printf '%s\n' "$file"
        done ;;
        reject) compgen -W "$_ip2unix_errnos" -- "${value^^}" ;;
        user) compgen -u -- "$value" ;;
        group) compgen -g -- "$value" ;;
        mode) compgen -W '0600 0660 0666' -- "$value" ;;
        peer) compgen -W credentials -- "$value" ;;
        esac
}

# Complete the last word of a rule, as it stands on the command line.
_ip2unix_rule()
{
        local rule=$1 quote='' item before key='' candidate

        if [[ $rule == [\'\"]* ]]; then
                quote=${rule:0:1}
                rule=${rule:1}
        fi
        item=${rule##*,}
        before=${rule%"$item"}
        # A comma behind a backslash belongs to the value. The shell wants the backslash doubled.
        while [[ $before == *\\, ]]; do
                before=${before%,}
                item=${before##*,},$item
                before=${rule%"$item"}
        done
        if [[ $item == *=* ]]; then
                key=${item%%=*}
                before+=$key=
                item=${item#*=}
                mapfile -t COMPREPLY < <(_ip2unix_values "$key" "${item//\\ / }")
        else
                mapfile -t COMPREPLY < <(compgen -W "$_ip2unix_words" -- "$item")
        fi
        # A rule goes on with a comma, or with a blank that is typed.
        compopt -o nospace

        local i
        for i in "${!COMPREPLY[@]}"; do
                candidate=${COMPREPLY[i]}
                if [[ ! $quote ]]; then
                        candidate=${candidate// /\\ }
                        # readline replaces what stands behind the last character that breaks words,
                        # but inside of quotes nothing does.
                        candidate=$before$candidate
                        candidate=${candidate#"${rule%"${rule##*[=:]}"}"}
                else
                        candidate=$before$candidate
                fi
                COMPREPLY[i]=$candidate
        done
}

# Whether the argument of an option follows this word: its last letter is one of -r and -f.
_ip2unix_takes()
{
        [[ $1 =~ ^-[^-rf]*[$2]$ ]]
}

# The place of the program among words and cword, or nothing when it comes later.
_ip2unix_program()
{
        local i

        for ((i = 1; i <= cword; i++)); do
                case ${words[i]} in
                --)
                        ((i++))
                        break
                        ;;
                --rule | --file) ((i++)) ;;
                -*) if _ip2unix_takes "${words[i]}" rf; then ((i++)); fi ;;
                *) break ;;
                esac
        done
        if ((i <= cword)); then echo "$i"; fi
}

# The place of that word in COMP_WORDS, where '=' and ':' part words.
_ip2unix_comp_word()
{
        local i=0 j piece

        for ((j = 0; j < $1; j++)); do
                piece=''
                while [[ $piece != "${words[j]}" ]] && ((i < ${#COMP_WORDS[@]})); do
                        piece+=${COMP_WORDS[i]}
                        ((i++))
                done
        done
        echo "$i"
}

_ip2unix()
{
        local cur prev words cword program

        COMPREPLY=()
        _get_comp_words_by_ref -n =: cur prev words cword
        program=$(_ip2unix_program)
        if [[ $program ]]; then
                _command_offset "$(_ip2unix_comp_word "$program")"
        elif [[ $prev == --rule ]] || _ip2unix_takes "$prev" r; then
                _ip2unix_rule "$cur"
        elif [[ $cur == --rule=* ]]; then
                _ip2unix_rule "$cur"
        elif [[ $prev == --file ]] || _ip2unix_takes "$prev" f; then
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        elif [[ $cur == --file=* ]]; then
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "${cur#*=}")
        elif [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$_ip2unix_options" -- "$cur")
        fi
}

complete -F _ip2unix ip2unix
