#!/usr/bin/env bash
# JUnit files of real runs, by a schema and a reader that others wrote; see junit.py. Installs into the cache what
# that needs.
#   tests/validate/junit.sh target/debug/redislings
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/redislings-validate/junit-1
if ! [ -e "$cache/complete" ]; then
  rm -rf "$cache"
  python3 -m venv "$cache"
  "$cache/bin/pip" install --quiet --disable-pip-version-check elementpath==5.1.4 xmlschema==4.3.2 junitparser==5.0.3
  # Only the source archive has the schema in it.
  "$cache/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary pytest --dest "$cache" pytest==8.3.4
  touch "$cache/complete"
fi
"$cache/bin/python" "$here/junit.py" "$1" "$cache/pytest-8.3.4.tar.gz"
