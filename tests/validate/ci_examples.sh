#!/usr/bin/env bash
# The CI files that the README shows, by schemas that others wrote; see ci_examples.py. Installs into the cache what
# that needs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/redislings-validate/ci-1
if ! [ -e "$cache/complete" ]; then
  rm -rf "$cache"
  python3 -m venv "$cache"
  "$cache/bin/pip" install --quiet --disable-pip-version-check check-jsonschema==0.39.0 kubernetes-validate==1.37.0
  touch "$cache/complete"
fi
"$cache/bin/python" "$here/ci_examples.py"
