#!/bin/sh
# The tests of the native transport with a build of it that stops at the first bad access, in a copy of the
# sources. Without a compiler that can, says so and does nothing. Exits 1 when anything was found.
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 111' HUP INT TERM

cp -R package.json tsconfig.json src test bin etc peers "$scratch"
mkdir "$scratch/dist"
ln -s "$PWD/node_modules" "$scratch/node_modules"
runtime=$(cc -print-file-name=libasan.so)
if ! CFLAGS='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all' LDFLAGS= \
  sh src/transport/build.sh -o "$scratch/dist/transport.node" 2>/dev/null \
  || [ ! -e "$scratch/dist/transport.node" ] || [ ! -e "$runtime" ]; then
  echo 'sanitized: skipped: not usable: sanitizers'
  exit 0
fi
# What Node itself never frees is no leak of ours.
cd "$scratch"
LD_PRELOAD=$(readlink -f "$runtime") ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
  node_modules/.bin/vitest run --config test/run/vitest.config.ts --project all \
  test/daemon/listeners/native-server.test.ts \
  test/daemon/listeners/datagram-server.test.ts
