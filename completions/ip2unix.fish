# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for ip2unix(1)

# What a rule is made of: ip2unix-rules(7).
set -g __ip2unix_words \
    in\t'sockets that bind' \
    out\t'connects and addressed sends' \
    tcp\t'stream sockets' \
    stream\t'stream sockets' \
    udp\t'datagram sockets' \
    dgram\t'datagram sockets' \
    datagram\t'datagram sockets' \
    addr=\t'an address or a prefix' \
    address=\t'an address or a prefix' \
    port=\t'a port or a range' \
    from-unix=\t'Unix sockets by path' \
    from-abstract=\t'Unix sockets by abstract name' \
    path=\t'use a Unix socket at a path' \
    abstract=\t'use a Unix socket with an abstract name' \
    systemd\t'use a socket that systemd passed' \
    systemd=\t'use a socket of a name that systemd passed' \
    reject\t'fail' \
    reject=\t'fail with an error' \
    blackhole\t'seem to listen' \
    ignore\t'leave the socket alone' \
    inet=\t'use another IP address' \
    noremove\t'never remove the file' \
    mode=\t'permissions of the file' \
    user=\t'owner of the file' \
    group=\t'group of the file' \
    peer=\t'what addresses of peers tell'

set -g __ip2unix_errnos \
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN EWOULDBLOCK ENOMEM \
    EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY \
    ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK EDEADLOCK ENAMETOOLONG \
    ENOLCK ENOSYS ENOTEMPTY ELOOP ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH \
    ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT EBFONT ENOSTR ENODATA ETIME ENOSR \
    ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW \
    ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE \
    EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT \
    ESOCKTNOSUPPORT EOPNOTSUPP ENOTSUP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL \
    ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN \
    ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE \
    EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY \
    EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON

function __ip2unix_values -a key value
    switch $key
        case path from-unix
            __fish_complete_path $value
        case reject
            printf '%s\n' $__ip2unix_errnos
        case user
            __fish_complete_users
        case group
            __fish_complete_groups
        case mode
            printf '%s\n' 0600 0660 0666
        case peer
            echo credentials
    end
end

# The last word of the rule: fish wants all of the token in front of each candidate.
function __ip2unix_rule
    set -l rule (string replace -r -- '^(--rule=|-r)' '' (commandline -ct))
    set -l item (string match -r -- '(?:\\\\.|[^,])*$' $rule)[1]
    set -l length (math (string length -- $rule) - (string length -- $item))
    set -l before (string sub -l $length -- $rule)

    if string match -q -- '*=*' $item
        set -l parts (string split -m 1 -- = $item)
        set -l values (__ip2unix_values $parts[1] $parts[2])
        printf '%s\n' $before$parts[1]=$values
    else
        printf '%s\n' $before$__ip2unix_words
    end
end

# The program and its own command line. (__fish_complete_subcommand miscounts arguments with a '='.)
function __ip2unix_command
    set -l tokens (commandline -cop)
    set -l first 2
    while test $first -le (count $tokens)
        if test "$tokens[$first]" = --
            set first (math $first + 1)
            break
        else if contains -- $tokens[$first] --rule --file
            or string match -qr -- '^-[^-rf]*[rf]$' $tokens[$first]
            set first (math $first + 2)
        else if string match -q -- '-*' $tokens[$first]
            set first (math $first + 1)
        else
            break
        end
    end
    set -l words
    if test $first -le (count $tokens)
        set words (string escape -- $tokens[$first..-1])
    end
    complete --do-complete=(string join -- ' ' $words (commandline -ct))
end

complete -c ip2unix -f
complete -c ip2unix -s r -l rule -x -d 'Add a rule' -a '(__ip2unix_rule)'
complete -c ip2unix -s f -l file -r -F -d 'Add the rules of a file'
complete -c ip2unix -s p -l print -d 'Print the rules in effect as a table'
complete -c ip2unix -s c -l check -d 'Check rules and program, run nothing'
complete -c ip2unix -s v -l verbose -d 'Let the library log more'
complete -c ip2unix -s h -l help -d 'Print help'
complete -c ip2unix -l version -d 'Print the version'
complete -c ip2unix -x -a '(__ip2unix_command)'
