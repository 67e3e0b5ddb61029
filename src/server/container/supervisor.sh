# Runs several servers in one container. Reads requests from standard input.
#
# A request is one line of quoted words: a mark, one of the functions below, its arguments. The
# reply is what the function prints, then a line with the mark and the exit status. `$1` is a
# server's number and its directory. A server leads a process group (setsid), so that the child of
# its BGSAVE can be killed with it. The end of standard input means that redislings has ended; the
# container then ends too.

newline='
'
# When nobody reads our replies any more, the servers must still be ended.
trap '' PIPE
umask 077

lacks() {
  for program; do
    command -v "$program" >/dev/null || printf '%s ' "$program"
  done
}

make_directory() { mkdir "$1"; }

# `$2` is the number of the start: each start has its own log. `$3` is the server's configuration. It
# goes into a file: it contains passwords, and everybody could read a program's arguments. An
# entrypoint that drops root must be able to read it; nobody else is in the container. The other
# arguments are the words of the command.
start() {
  server=$1 log=$1.$2.log
  umask 022
  printf %s "$3" >"$1.conf"
  written=$?
  umask 077
  [ $written = 0 ] || return
  shift 3
  [ -d "$server" ] || mkdir "$server" || return
  conf=$PWD/$server.conf
  cd "$server" || return
  setsid "$@" "$conf" </dev/null >"../$log" 2>&1 &
  eval "pid_$server=$! status_$server="
  cd ..
}

# Sets `pid`, and `status` if the server has ended. A zombie is a child of ours that has ended. A
# child that is gone was reaped together with another; `wait` still knows its status.
look() {
  eval "pid=\$pid_$1 status=\$status_$1"
  [ -z "$status" ] || return 0
  stat=
  { read -r stat <"/proc/$pid/stat"; } 2>/dev/null
  stat=${stat##*) }
  parent=${stat#* }
  case ${stat%% *} in
    '' | Z | X) ;;
    *) [ "${parent%% *}" != $$ ] || return 0 ;;
  esac
  reap "$1"
}

reap() {
  wait "$pid"
  status=$?
  eval "status_$1=$status"
}

state() {
  look "$1"
  printf '%s' "$status"
}

# Kills the server's group; sets `left` while processes of it are left.
kill_all() {
  look "$1"
  kill -s KILL -- "-$pid" 2>/dev/null
  if [ -z "$status" ]; then
    # Just after its start it may not lead its group yet.
    kill -s KILL "$pid" 2>/dev/null
    reap "$1"
  fi
  left=
  ! kill -s 0 -- "-$pid" 2>/dev/null || left=$pid
}

configuration() { cat "$1.conf"; }

terminate() {
  look "$1"
  [ -n "$status" ] || kill -s TERM "$pid"
}

# Prints the names of the files in the directory, and of those in the folders there.
files() {
  for file in "$1"/* "$1"/*/*; do
    [ ! -f "$file" ] || printf '%s\n' "${file#"$1"/}"
  done
}

# Prints a letter and the content; nothing if there is no such file.
file() {
  [ ! -f "$1/$2" ] || { printf x && cat "$1/$2"; }
}

# The request is followed by `$3` bytes: the file. `$4` is its folder, if it is in one.
put_file() {
  [ -z "$4" ] || [ -d "$1/$4" ] || mkdir "$1/$4" || return
  head -c "$3" >"$1/$2"
}

remove_file() { rm -f "$1/$2"; }

# Prints nothing when all are dead.
end() {
  kill_all "$1"
  printf '%s' "$left"
}

# Removes the files in the background: a number is never used again.
forget() {
  unset "pid_$1" "status_$1"
  rm -rf "$1" "$1".*.log "$1.conf" "$1.room" "$1.dump" </dev/null >/dev/null 2>&1 &
}

# Prints nothing when all are dead and forgotten.
remove() {
  kill_all "$1"
  printf '%s' "$left"
  [ -n "$left" ] || forget "$1"
}

# Lets servers that still run at the end outlive redislings.
keep() { kept=yes; }

log() { cat "$1.$2.log"; }

# Sets `file` to the server's snapshot file, which waits beside its directory while saves fail.
find_dump() {
  file=$1.dump
  [ -f "$file" ] || file=$1/dump.rdb
}

# Prints nothing if there is no such file.
dump_bytes() {
  find_dump "$1"
  [ ! -f "$file" ] || wc -c <"$file"
}

# A directory in the place of the snapshot file: no save can replace it.
refuse_saves() {
  [ ! -f "$1/dump.rdb" ] || mv "$1/dump.rdb" "$1.dump" || return
  [ -d "$1/dump.rdb" ] || mkdir "$1/dump.rdb"
}

allow_saves() {
  [ ! -d "$1/dump.rdb" ] || rm -r "$1/dump.rdb" || return
  [ ! -f "$1.dump" ] || mv "$1.dump" "$1/dump.rdb"
}

check_room() { head -c 65536 </dev/zero >"$1.room" && rm -f "$1.room"; }

dump() {
  find_dump "$1"
  cat "$file"
}

: >supervised
kept=
while IFS= read -r request; do
  eval "set -- $request"
  mark=$1
  shift
  "$@"
  printf '\n%s %s\n' "$mark" $?
done
[ -z "$kept" ] || exit 0
rm -f supervised
kill -s TERM 1
