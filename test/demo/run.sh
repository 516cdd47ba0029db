#!/bin/sh
# npm run demo: the main job, live, in a temporary directory on the loopback interface.
# Installs and builds what is missing, needs under a minute after that, leaves nothing running.
set -eu
cd "$(dirname "$0")/../.."
sh test/run/fresh-machine.sh

home=$PWD
dir=$(mktemp -d)
# Below the ports that the system gives to clients, which may be in use though nobody listens.
port=$((20000 + $$ % 12000))
pids=

finish() {
  status=$?
  trap - EXIT HUP INT TERM
  trap '' PIPE
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  for pid in $pids; do wait "$pid" 2>/dev/null || true; done
  cd /
  rm -rf "$dir"
  exit "$status"
}
trap finish EXIT
trap 'exit 1' HUP INT PIPE TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() {
  printf '$ %s\n' "$*"
  "$@" || printf '(exit %s)\n' "$?"
}
# Waits until a command succeeds, at most ten seconds.
await() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
      echo "demo: gave up waiting for: $*" >&2
      cat ./*.log >&2
      exit 1
    fi
    sleep 0.1
  done
}
# Connects from an address and prints what the server says, which is nothing for a blocked client.
connect() { tcpclient -RHl0 -T 5 -i "$1" 127.0.0.1 "$port" sh -c 'cat <&6' </dev/null 2>/dev/null || true; }
show() {
  answer=$(connect "$1" | tr -d '\r')
  printf '  from %s: %s\n' "$1" "${answer:-(closed in silence, before any program started)}"
}
# About the last show: another connection would be counted.
was_greeted() { case $answer in 220*) ;; *) return 1 ;; esac; }

cd "$dir"
mkdir peers
: >peers/0 # everybody not named otherwise: run the program
chmod 444 peers/0
cat >rater.conf <<'EOF'
settings : { socket: "rater.sock"; db_path: "ipthrottle.db"; };
limits   : { ip: ( ("*", 60, 3) ); };            // 3 connections in 60 seconds
blocking : { classes: ("ip"); time: 8; peers: "peers"; };
EOF
PATH="$home/bin:$PATH"
IPTHROTTLE_CONF=$dir/rater.conf
export PATH IPTHROTTLE_CONF

say 'The configuration: three connections a minute from one address, then eight seconds outside.'
cat rater.conf

rater -c rater.conf 2>rater.log &
pids="$pids $!"
await test -S rater.sock
# Another process may have the port, or take it first.
until
  tcpsvd -v -l 0 -i peers 127.0.0.1 "$port" ratecheck -s rater.sock echo '220 mail.example ESMTP' >tcpsvd.log 2>&1 &
  server=$!
  await grep -q 'listening on\|fatal' tcpsvd.log
  grep -q 'listening on' tcpsvd.log
do
  grep -q 'address already used' tcpsvd.log || { cat tcpsvd.log >&2; exit 1; }
  port=$((port + 1))
done
pids="$pids $server"
say "The daemon, and tcpsvd with ratecheck in front of an SMTP greeting, on port $port."
echo "\$ tcpsvd -l 0 -i peers 127.0.0.1 $port ratecheck -s rater.sock echo '220 mail.example ESMTP'"

say 'Two clients. 127.0.0.2 connects six times, 127.0.0.3 once.'
for _ in 1 2 3 4 5 6; do show 127.0.0.2; done
show 127.0.0.3
echo 'The fourth was told why. From the fifth on tcpsvd closes the connection itself, because of this file, dated to the end of the block:'
run ls -l peers
[ -z "$(connect 127.0.0.2)" ] || { echo 'demo: 127.0.0.2 is not kept out' >&2; exit 1; }
[ -f peers/127.0.0.2 ] || { echo 'demo: there is no peers/127.0.0.2' >&2; exit 1; }

say 'Who is kept out, and why?'
run ipthrottle list
run ipthrottle check 127.0.0.2

say 'The operator lets it in again; its count starts anew.'
run ipthrottle unblock 127.0.0.2
show 127.0.0.2
was_greeted || { echo 'demo: 127.0.0.2 is still kept out' >&2; exit 1; }

say 'It has learnt nothing, is blocked a second time, and this time nobody helps.'
for _ in 1 2 3 4; do show 127.0.0.2; done
run ipthrottle list
until_end=$(ipthrottle list --json | sed 's/.*"secondsLeft":\([0-9]*\).*/\1/')
echo "(waiting $until_end seconds)"
await test ! -e peers/127.0.0.2
show 127.0.0.2
was_greeted || { echo 'demo: the block did not end' >&2; exit 1; }

say 'What the daemon wrote to its log meanwhile:'
cat rater.log

say 'That was all. README.md has the run scripts to copy.'
