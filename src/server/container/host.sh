# The main process of a host: waits, and reaps orphans meanwhile (process 1 inherits them). Ends, and the container
# with it, when the supervisor says so, or when there is none: redislings has gone before it came, or with it.
trap 'exit 0' TERM
while :; do
  sleep 60 &
  wait $!
  [ -e supervised ] || exit 0
done
