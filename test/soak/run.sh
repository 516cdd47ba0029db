#!/bin/sh
# npm run soak -- [--minutes N | --seconds N] [--seed N]: gibberish and valid input for a daemon of
# its own, see test/soak/soak.ts. Needs a build. Exits 1 when anything was found.
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 111' HUP INT TERM
node_modules/.bin/esbuild test/soak/soak.ts --bundle --platform=node --target=node20.19 \
  --format=esm --outfile="$scratch/soak.mjs" --log-level=warning
node "$scratch/soak.mjs" --rater "$PWD/bin/rater" "$@"
