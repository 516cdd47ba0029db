#!/bin/sh
# npm test: makes the machine ready and runs every test. Arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."
sh test/fresh-machine.sh
exec node_modules/.bin/vitest run --config test/vitest.config.ts "$@"
