#!/bin/sh
# Builds bin/ratecheck from ratecheck.c, static where that works: a static program starts fastest,
# and this one starts at every connection.
#
# usage: build.sh [-f] [-s SOCKET] [-o FILE]
#   -f          build even when FILE is newer than its source
#   -s SOCKET   the default socket to compile in, also $DEFAULT_SOCKET,
#               instead of /run/ipthrottle/rater.sock
#   -o FILE     where to put the program, instead of bin/ratecheck
# $CC is used instead of musl-gcc or cc, $CFLAGS and $LDFLAGS instead of -O2 and -s.
#
# Where no compiler works, says what is missing and exits 0: the rest installs without ratecheck.

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 111
root=$(dirname -- "$(dirname -- "$here")")
source=$here/ratecheck.c
program=$root/bin/ratecheck
socket=${DEFAULT_SOCKET:-}
force=${DEFAULT_SOCKET:+yes}

say() {
  echo "ratecheck build: $*" >&2
}

while getopts fs:o: option; do
  case $option in
  f) force=yes ;;
  s) socket=$OPTARG force=yes ;;
  o) program=$OPTARG ;;
  *) exit 100 ;;
  esac
done
socket=${socket:-/run/ipthrottle/rater.sock}

case $socket in
*[!A-Za-z0-9/._@:+,-]*)
  say "fatal: wrong usage: the socket's path has a character outside A-Z a-z 0-9 / . _ @ : + , -"
  exit 100
  ;;
esac

newer_than() {
  [ -n "$(find "$program" -newer "$1" 2>/dev/null)" ]
}
if [ -z "$force" ] && [ -x "$program" ] && newer_than "$source" && newer_than "$root/package.json"
then
  exit 0
fi

version=$(sed -n 's/^ *"version": *"\([0-9A-Za-z.+-]*\)".*/\1/p' "$root/package.json" | head -n 1)
work=$(mktemp -d) || exit 111
# Renamed into place when complete, so that no half-written program ever runs.
fresh=$program.$$
trap 'rm -rf "$work" "$fresh"' EXIT
trap 'exit 111' HUP INT TERM

# A compiler counts when it can link a program with the headers that ratecheck needs.
cat >"$work/trial.c" <<'TRIAL'
#include <poll.h>
#include <sys/un.h>
int main(void) { return poll(0, 0, 0); }
TRIAL
works() {
  # shellcheck disable=SC2086 # a compiler may carry its own flags
  $1 ${CFLAGS-} ${LDFLAGS-} -o "$work/trial" "$work/trial.c" >"$work/said" 2>&1
}

# Two segments instead of four are three page faults less per connection. The price is small: constants
# are mapped executable, and RELRO, which musl does not enforce in a static program, is left out. glibc
# does enforce it and would not become noticeably faster. The stack stays non-executable everywhere.
choose_compiler() {
  if [ -n "${CC:-}" ]; then
    set -- "$CC -static" "$CC"
  else
    set -- "musl-gcc -static -Wl,-z,noseparate-code,-z,norelro" "musl-gcc -static" "cc -static" cc
  fi
  for compiler; do
    works "$compiler" && return
  done
  return 1
}

if ! choose_compiler; then
  say "warning: bin/ratecheck was not built: no working C compiler (${CC:-musl-gcc or cc})"
  say "warning: install one (Debian: apt-get install musl-tools, or gcc and libc6-dev) and build again"
  exit 0
fi

mkdir -p "$(dirname -- "$program")" || exit 111
# shellcheck disable=SC2086 # flags are meant to be split
$compiler ${CFLAGS--O2} -Wall -Wextra -DVERSION="\"${version:-0}\"" -DDEFAULT_SOCKET="\"$socket\"" \
  -o "$fresh" "$source" ${LDFLAGS--s} || {
  say "fatal: $compiler cannot compile $source"
  exit 111
}
mv -f "$fresh" "$program" || exit 111
say "built $program with $compiler"
case $compiler in
musl-gcc*) ;;
*) [ -n "${CC:-}" ] || say "built by musl-gcc it would start faster (Debian: apt-get install musl-tools)" ;;
esac
