#!/bin/sh
# Fetches versions of Node from npm, and has each run rater with the one build of the native transport
# that is there. Without a network, or for another machine, says so and goes on. Exits 1 when anything
# was found. Needs a build.
set -eu
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 111' HUP INT TERM
NODES=
for version in 20 22 24 26; do
  node=$scratch/$version/node_modules/node/bin/node
  mkdir "$scratch/$version"
  if npm install --silent --no-audit --no-fund --prefix "$scratch/$version" "node@$version" >/dev/null 2>&1 \
    && "$node" -v; then
    NODES=$NODES:$node
  else
    echo "versions: skipped: Node $version cannot be fetched"
  fi
done
export NODES
node_modules/.bin/vitest run --config test/run/vitest.config.ts --project all test/system/node-versions.test.ts
