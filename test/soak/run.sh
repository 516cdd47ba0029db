#!/bin/sh
# npm run soak -- [--minutes N | --seconds N] [--seed N] [--attackers N]: clients of every kind for a daemon
# by each transport, so long for both; then the daemon by other versions of Node; then our C under
# sanitizers: its tests, and inputs that a fuzzer finds by coverage. Needs a build. Goes on when anything
# was found, and exits 1.
set -u
here=$(dirname "$0")
status=0
step() {
  echo "== $*"
  "$@" || status=1
}
step sh "$here/clients.sh" "$@"
step env IPTHROTTLE_TRANSPORT=node sh "$here/clients.sh" "$@"
step sh "$here/versions.sh"
step sh "$here/sanitized.sh"
step sh "$here/fuzz.sh"
exit "$status"
