# The main process of a host: waits, and reaps orphans (process 1 inherits them). It ends, and the
# container with it, when the supervisor sends TERM, or when there is no supervisor because
# redislings has ended.
trap 'exit 0' TERM
while :; do
  sleep 60 &
  wait $!
  [ -e supervised ] || exit 0
done
