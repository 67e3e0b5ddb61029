# Waits for the end of a run, and cleans up after it. `$1` is the run's private directory. The last
# line of standard input has the process groups to end; its end means that redislings has ended.
trap '' HUP INT TERM QUIT
groups=
while read -r line; do groups=$line; done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
# Processes that left their group (setsid) have our mark in their environment, which Linux shows.
for e in $(grep -lsaF "REDISLINGS_ATTEMPT=$1/" /proc/[0-9]*/environ); do
  e=${e#/proc/}
  kill -s KILL "${e%/environ}" 2>/dev/null
done
# A server that was just starting: its group is unknown, and it wipes its environment. Its working
# directory is here and it reads its configuration from here; a user's shell here has another input.
here=$(cd -P -- "$1" && pwd -P)
[ -n "$here" ] && ls -l /proc/[0-9]*/cwd 2>/dev/null | while IFS= read -r line; do
  case $line in *" -> $here/"*)
    process=${line#*/proc/}
    process=${process%%/*}
    case $(readlink "/proc/$process/fd/0") in
      /dev/null | "$here"/*) kill -s KILL "$process" 2>/dev/null ;;
    esac ;;
  esac
done
rm -rf -- "$1"
