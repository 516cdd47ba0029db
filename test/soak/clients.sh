#!/bin/sh
# usage: clients.sh [--minutes N | --seconds N] [--seed N] [--attackers N]: gibberish and valid input for a
# daemon of its own, under attack, see test/soak/soak.ts. Needs a build. Exits 1 when anything was found.
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 111' HUP INT TERM
node_modules/.bin/esbuild test/soak/soak.ts --bundle --platform=node --target=node20.19 \
  --format=esm --outfile="$scratch/soak.mjs" --log-level=warning
if ${CC:-cc} -O2 -o "$scratch/flood" test/soak/flood.c 2>/dev/null; then
  set -- --flood "$scratch/flood" "$@"
else
  echo 'soak: without floods of datagrams, because no C compiler works'
fi
node "$scratch/soak.mjs" --rater "$PWD/bin/rater" "$@"
