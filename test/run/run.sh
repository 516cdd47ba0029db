#!/bin/sh
# npm test: makes the machine ready and runs every test. Arguments go to vitest.
set -eu
cd "$(dirname "$0")/../.."
sh test/run/fresh-machine.sh
exec node_modules/.bin/vitest run --config test/run/vitest.config.ts "$@"
