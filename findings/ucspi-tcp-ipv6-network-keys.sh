#!/bin/sh
# Rules of Debian's ucspi-tcp-ipv6 1:0.88-7 that its tcprules takes and its tcpserver never looks up.
#
# Behaviour, all without a word from tcprules, which exits 0:
# - `2001:db8::/48:deny` and `192.0.2.0/24:deny` are stored as text, and refuse nobody;
# - an address is compared as text, and one group of zeros is written `::`, so the rule for
#   2001:db8:1:1:1:1:0:1, which is how RFC 5952 writes it, refuses nobody;
# - under `tcpserver -6` an IPv4 client is looked up as ::ffff:127.0.0.1, so the rule for 127.0.0.1
#   refuses nobody.
# What does refuse: prefixes of the text that end in a colon or a dot (2001:db8:1: and ::ffff:127.).
#
# Needs Debian's apt-get and dpkg-deb, and node as a client. Output seen:
#   network: allow connection
#   CIDR: allow connection
#   canonical spelling: allow connection
#   own spelling: deny connection
#   text prefix: deny connection
#   tcpserver, 127.0.0.1: refused
#   tcpserver -6, 127.0.0.1: in
#   tcpserver -6, ::ffff:127.: refused
# Exit 0: it is still so; 1: it has changed; 2: the package cannot be had.
set -u
version=1:0.88-7
script=$(cd "$(dirname "$0")" && pwd)/${0##*/}
work=$(mktemp -d) || exit 2
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 2
apt-get download "ucspi-tcp-ipv6=$version" >/dev/null 2>&1 || { echo "no ucspi-tcp-ipv6 $version"; exit 2; }
dpkg-deb -x ucspi-tcp-ipv6_*.deb . || exit 2
bin=$work/usr/bin

# asks RULE ADDRESS: what tcpserver would do with a client at the address.
asks() {
  printf '%s:deny\n:allow\n' "$1" | "$bin/tcprules" rules.cdb rules.tmp || exit 1
  TCPREMOTEIP=$2 TCP6REMOTEIP=$2 "$bin/tcprulescheck" rules.cdb | tail -n 1
}

# serves RULE OPTION...: what a client at 127.0.0.1 hears of a real server.
serves() {
  printf '%s:deny\n:allow\n' "$1" | "$bin/tcprules" rules.cdb rules.tmp || exit 1
  shift
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
  "$bin/tcpserver" "$@" -HRl x -x rules.cdb 127.0.0.1 "$port" echo in >/dev/null 2>&1 &
  server=$!
  node -e '
    const ask = (tries) => {
      let said = "";
      require("net").connect(process.argv[1], "127.0.0.1")
        .on("data", (data) => { said += data; })
        .on("error", ({ code }) => { if (code === "ECONNREFUSED" && tries > 0) said = undefined; })
        .on("close", () => said === undefined ? setTimeout(ask, 50, tries - 1) : console.log(said.trim() || "refused"));
    };
    ask(100);
  ' "$port"
  kill "$server"; wait "$server" 2>/dev/null; server=
}

{
  echo "network: $(asks 2001:db8:1::/48 2001:db8:1::1)"
  echo "CIDR: $(asks 192.0.2.0/24 192.0.2.1)"
  echo "canonical spelling: $(asks 2001:db8:1:1:1:1:0:1 2001:db8:1:1:1:1::1)"
  echo "own spelling: $(asks 2001:db8:1:1:1:1::1 2001:db8:1:1:1:1::1)"
  echo "text prefix: $(asks 2001:db8:1: 2001:db8:1:2:3:4:5:6)"
  echo "tcpserver, 127.0.0.1: $(serves 127.0.0.1)"
  echo "tcpserver -6, 127.0.0.1: $(serves 127.0.0.1 -6)"
  echo "tcpserver -6, ::ffff:127.: $(serves ::ffff:127. -6)"
} > seen
cat seen
sed -n '/^# .*Output seen:/,/^# Exit 0/s/^#   //p' "$script" > expected
diff expected seen && exit 0
echo 'it has changed'
exit 1
