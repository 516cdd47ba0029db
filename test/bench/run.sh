#!/bin/sh
# npm run bench [-- [--quick] [--keep] [ROW...]]: measures ours, its peers and its limits side by side.
# Installs and builds what is missing; peers only when root, and those that cannot be installed are
# left out. Works in temporary directories and on the loopback interface; leaves nothing running.
set -eu
cd "$(dirname "$0")/../.."
unset NODE_EXTRA_CA_CERTS
if [ -L node_modules ]; then
  # It is another checkout's, whose packages are not ours to install.
  sh src/build.sh
else
  sh test/run/fresh-machine.sh
fi
PATH=$PATH:/usr/sbin:/sbin
export PATH

# Programs of the peers, each with the Debian package that brings it.
wanted='redis-server:redis-server haproxy:haproxy fail2ban-server:fail2ban cdb:tinycdb'
missing=
for pair in $wanted; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done

work=$(mktemp -d)
policy=/usr/sbin/policy-rc.d
made=
bench=
finish() {
  status=$?
  trap - EXIT INT TERM HUP
  if [ -n "$bench" ]; then
    kill "$bench" 2>/dev/null || true
    wait "$bench" 2>/dev/null || true
  fi
  [ -z "$made" ] || rm -f "$policy"
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

# Installs the peers without starting their services, now or at the next boot.
install_peers() {
  if [ ! -e "$policy" ]; then
    made=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  # fail2ban reads logs at once with pyinotify and only once a second without.
  case $missing in *fail2ban*) missing="$missing python3-pyinotify" ;; esac
  # shellcheck disable=SC2086 # a list of names
  { apt-get update && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends $missing; } >"$work/apt" 2>&1 ||
    { tail -n 3 "$work/apt" >&2 && echo "could not install:$missing" >&2; }
  for name in redis-server haproxy fail2ban; do
    case $missing in
    *"$name"*) systemctl disable --quiet "$name" >/dev/null 2>&1 || true ;;
    esac
  done
  if [ -n "$made" ]; then
    rm -f "$policy"
    made=
  fi
}

if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Debian packages of peers:$missing"
    install_peers
  else
    echo "peers are left out; to have them, as root: apt-get install$missing"
  fi
fi

for name in load peers/line-server peers/files; do
  cc -O2 -Wall -Wextra -o "$work/${name#peers/}" "test/bench/$name.c"
done
musl-gcc -static -O2 -s -o "$work/exec-only" test/bench/peers/exec-only.c

ln -s "$PWD/node_modules" "$work/node_modules"
node_modules/.bin/esbuild test/bench/bench.ts --bundle --platform=node --target=node20.19 \
  --format=esm --outfile="$work/bench.mjs" --external:better-sqlite3 --log-level=warning \
  --banner:js='import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
BENCH_ROOT=$PWD BENCH_BUILT=$work node "$work/bench.mjs" "$@" &
bench=$!
status=0
wait "$bench" || status=$?
bench=
exit "$status"
