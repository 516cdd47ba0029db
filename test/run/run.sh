#!/bin/sh
# npm test: makes the machine ready and runs every test. Arguments go to vitest.
set -eu
cd "$(dirname "$0")/../.."
sh test/run/fresh-machine.sh
# Reporters given as arguments replace those of the configuration.
case " $*" in *' --reporter'*) set -- "$@" --reporter=./test/run/skips-reporter.ts ;; esac
exec node_modules/.bin/vitest run --config test/run/vitest.config.ts "$@"
