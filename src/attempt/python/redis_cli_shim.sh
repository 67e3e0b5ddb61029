#!/bin/sh
# `redislings` puts this script at the front of PATH as `redis-cli` and
# `valkey-cli`.  It runs the real program of that name, and replaces port 6379
# by the lesson's server.  A command line that names another port runs unchanged.
unset CDPATH
name=${0##*/}
own=$(cd -P -- "${0%/*}" && pwd -P) || exit 127

# The real program: the first one on PATH after our own directory.
real= rest=$PATH:
while [ -n "$rest" ]; do
    dir=${rest%%:*} rest=${rest#*:}
    dir=$(cd -P -- "${dir:-.}" 2>/dev/null && pwd -P) || continue
    if [ "$dir" = "$own" ]; then
        real=
    elif [ -z "$real" ] && [ -f "$dir/$name" ] && [ -x "$dir/$name" ]; then
        real=$dir/$name
    fi
done
if [ -z "$real" ]; then
    printf '%s: not found\n' "$name" >&2
    exit 127
fi

# number TEXT: set `number` as C's atoi() would read TEXT.
number() {
    number=$1
    while :; do
        case $number in [[:space:]+0]*) number=${number#?} ;; *) break ;; esac
    done
    number=${number%%[!0-9]*}
}

# First pass: `port` is the port that would be used, `last` the position of the
# last word of the options that choose the server (0: none), `cluster` the
# position of --cluster.  We assume that an unknown option has no value.
port=6379 last=0 cluster=0 i=0 option=
for arg do
    i=$((i + 1))
    case $option in
        -h) last=$i option= ; continue ;;
        -p) number "$arg"; port=$number last=$i option= ; continue ;;
        -u) last=$i option=
            where=${arg#*://} where=${where#*@} where=${where%%/*}
            case $where in \[*) where=${where#*\]} ;; esac # [IPv6]
            case $where in *:*) number "${where#*:}"; port=$number ;; esac
            continue ;;
        value) option= ; continue ;;
        cluster) case $arg in -*) option= ;; *) continue ;; esac ;;
    esac
    case $arg in
        -h | -p | -u) option=$arg ;;
        --cluster) option=cluster cluster=$i ;;
        --cluster-weight) option=cluster ;;
        -[srinadDXt] | --pass | --user | --lru-test | --pattern | --quoted-pattern | \
        --count | --cursor | --top | --intrinsic-latency | --rdb | --functions-rdb | \
        --pipe-timeout | --memkeys-samples | --keystats-samples | --eval | --sni | \
        --cacert | --cacertdir | --cert | --key | --tls-ciphers | --tls-ciphersuites | \
        --show-pushes | --test_hint | --test_hint_file | --cluster-replicas | \
        --cluster-master-id | --cluster-primary-id | --cluster-from | --cluster-to | \
        --cluster-from-user | --cluster-from-pass | --cluster-slots | \
        --cluster-timeout | --cluster-pipeline | --cluster-threshold) option=value ;;
        -*) ;;
        *) break ;;
    esac
done

[ "$port" = 6379 ] || [ "$cluster" -gt 0 ] || exec "$real" "$@"
if [ -z "$REDIS_HOST" ] || [ -z "$REDIS_PORT" ]; then
    printf '%s: REDIS_HOST and REDIS_PORT do not name the lesson'\''s server\n' "$name" >&2
    exit 1
fi

# Second pass: rotate the arguments once.  A later option overrides an earlier
# one, so the lesson's address goes after the last one that chose a server.
[ "$port" = 6379 ] || last=-1
count=$# i=0 inside=
[ "$last" -ne 0 ] || set -- "$@" -h "$REDIS_HOST" -p "$REDIS_PORT"
while [ "$i" -lt "$count" ]; do
    i=$((i + 1)) arg=$1
    shift
    if [ "$i" -eq "$cluster" ]; then
        inside=1
    elif [ "$cluster" -gt 0 ] && [ "$arg" = --cluster-from ]; then
        inside=from
    elif [ -n "$inside" ]; then # redis-cli --cluster COMMAND HOST:PORT ...
        case $arg in
            -*) inside= ;;
            *:6379 | *:6379@*) arg=$REDIS_HOST:$REDIS_PORT ;;
            6379) [ "$i" -ne $((cluster + 3)) ] || arg=$REDIS_PORT ;;
        esac
    fi
    set -- "$@" "$arg"
    [ "$i" -ne "$last" ] || set -- "$@" -h "$REDIS_HOST" -p "$REDIS_PORT"
done
exec "$real" "$@"
