#!/bin/sh
# Builds the native transport of the socket for checks, a module for Node. One build serves every Node
# from 20 on.
#
# usage: build.sh [-o FILE]
#   -o FILE     where to put it, instead of dist/transport.node
# $CC is used instead of cc, $CFLAGS and $LDFLAGS instead of -O2 and -s.
#
# Where there is no compiler, or no headers of Node, says what is missing and exits 0: rater works
# without it, by node:net.

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 111
module=$(dirname -- "$(dirname -- "$here")")/dist/transport.node
compiler=${CC:-cc}

say() {
  echo "transport build: $*" >&2
}

while getopts o: option; do
  case $option in
  o) module=$OPTARG ;;
  *) exit 100 ;;
  esac
done

work=$(mktemp -d) || exit 111
fresh=$module.$$
trap 'rm -rf "$work" "$fresh"' EXIT
trap 'exit 111' HUP INT TERM

# Headers count when a module that needs them can be linked.
cat >"$work/trial.c" <<'TRIAL'
#include <node_api.h>
#include <uv.h>
NAPI_MODULE_INIT() { (void)env; return uv_handle_size(UV_POLL) ? exports : 0; }
TRIAL
build() {
  # shellcheck disable=SC2086 # flags are meant to be split
  $compiler ${CFLAGS--O2} -std=gnu11 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror \
    -I"$headers" -o "$@" -Wl,-z,relro,-z,now ${LDFLAGS--s}
}

# Of this Node: where npm says, beside the program, of the system, or what node-gyp has fetched.
prefix=$(node -p 'require("path").dirname(require("path").dirname(process.execPath))')
version=$(node -p 'process.versions.node')
for headers in "${npm_config_nodedir:-/nonexistent}/include/node" "$prefix/include/node" \
  /usr/include/node "${XDG_CACHE_HOME:-${HOME:-}/.cache}/node-gyp/$version/include/node" ''; do
  [ -n "$headers" ] || {
    say "warning: not built, rater does without: it needs $compiler and node_api.h and uv.h of Node"
    exit 0
  }
  [ -e "$headers/node_api.h" ] && build "$work/trial.node" "$work/trial.c" >/dev/null 2>&1 && break
done

build "$fresh" "$here/addon.c" "$here/transport.c" "$here/datagrams.c" || {
  say "fatal: $compiler cannot compile $here/*.c"
  exit 111
}
mv -f "$fresh" "$module" || exit 111
say "built transport.node with $compiler"
