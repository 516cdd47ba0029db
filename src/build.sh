#!/bin/sh
# Bundles what the launchers in bin/ run and what the package exports into dist/, and builds the native
# transport and ratecheck. A bundle starts in about half the time that separate modules take. Only better-sqlite3
# stays outside: it is native, and src/store/driver.ts loads it. The old dist/ stays until the new one
# is complete.
#
# usage: build.sh [native]
#   native      only what is native and not there: an npm package has the rest, and npm runs this when
#               it installs it, so that no package carries programs of the machine that packed it
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = native ]; then
  [ -e dist/transport.node ] || sh src/transport/build.sh
  exec sh src/ratecheck/build.sh
fi

version=$(node -p 'require("./package.json").version')
fresh=dist.$$
trap 'rm -rf "$fresh"' EXIT
trap 'exit 111' HUP INT TERM

bundle() {
  node_modules/.bin/esbuild "$@" --bundle --platform=node --target=node20.19 --format=esm \
    --outdir="$fresh" --log-level=warning
}
bundle rater=src/daemon/main.ts ipthrottle=src/cli/ipthrottle.ts --splitting \
  --define:IPTHROTTLE_VERSION="\"$version\"" \
  --banner:js='import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
bundle client=src/client/rater-client.ts
node_modules/.bin/tsc -p src/client --outDir "$fresh/declared"
mv "$fresh/declared/client/rater-client.d.ts" "$fresh/client.d.ts"
rm -r "$fresh/declared"
sh src/transport/build.sh -o "$fresh/transport.node"
rm -rf dist
mv "$fresh" dist
sh src/ratecheck/build.sh
