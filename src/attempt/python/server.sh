#!/bin/sh
# `redislings` puts this script on PATH as `server`: a program of an answer stops
# and starts the lesson's server with it.  The runner answers through a pipe.
unset CDPATH
PATH=$PATH:/usr/bin:/bin
usage='use `server stop` or `server start [NAME VALUE]`'
if [ -z "$REDISLINGS_CONTROL" ] || [ ! -d "$REDISLINGS_CONTROL" ]; then
    printf 'server: this exercise does not let you stop its server\n' >&2
    exit 1
fi
case $1 in
    stop | start) ;;
    '') printf 'server: %s\n' "$usage" >&2; exit 2 ;;
    *) printf 'server: unknown command `%s`; %s\n' "$1" "$usage" >&2; exit 2 ;;
esac
request=$REDISLINGS_CONTROL/request-$$ reply=$REDISLINGS_CONTROL/reply-$$
trap 'rm -f "$reply" "$request.new"' EXIT
mkfifo "$reply" || exit 1
# A line break in a word ends the word: no setting has one.
printf '%s\n' "$@" >"$request.new" && mv "$request.new" "$request" || exit 1
{
    IFS= read -r status || status=1
    [ "$status" = 0 ] || printf 'server: ' >&2
    [ "$status" = 0 ] || cat >&2
} <"$reply"
exit "$status"
