#!/bin/sh
# Makes a fresh clone on a fresh machine ready: Debian packages (when root), npm packages, build.
# Prints only what it does; does nothing when everything is there. Usage: sh test/run/fresh-machine.sh
set -eu
cd "$(dirname "$0")/../.."

# Required commands, each with the Debian package that has it.
wanted='tcpsvd:ipsvd tcpserver:ucspi-tcp musl-gcc:musl-tools cc:gcc g++:g++ make:make python3:python3
  mandoc:mandoc faketime:faketime ss:iproute2'

missing=
for pair in $wanted; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Debian packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of names
    { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 || {
      cat "$log" >&2
      echo "could not install:$missing" >&2
      exit 111
    }
    rm -f "$log"
  else
    echo "please install, as root: apt-get install$missing" >&2
    exit 100
  fi
fi

if [ -L node_modules ]; then
  # It belongs to another checkout, which npm ci would empty through the link.
  if [ ! -e node_modules/.package-lock.json ]; then
    echo 'node_modules is a link and has no packages; install them where it points to' >&2
    exit 100
  fi
  npm run --silent build
elif [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'installing npm packages (better-sqlite3 may compile for a minute or two)'
  npm ci --no-audit --no-fund --loglevel=error
elif [ ! -e dist/rater.js ] || [ -n "$(find src -newer dist/rater.js -type f | head -n 1)" ]; then
  npm run --silent build
fi
