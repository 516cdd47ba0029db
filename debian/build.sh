#!/bin/sh
# Builds ipthrottle_VERSION_ARCHITECTURE.deb from what `npm run build` has made.
#
# usage: build.sh [DIRECTORY]
#   DIRECTORY   where to put it, instead of the current one
# $DEBFULLNAME and $DEBEMAIL are its maintainer. Every time in it is $SOURCE_DATE_EPOCH, or that of the
# commit, or else of CHANGELOG.md.
#
# Guarantee: the same files and the same time give the same bytes.
#
# better-sqlite3 is bound to one ABI of Node, so the package depends on the major version of Node that
# runs here: apt then keeps a Node away that rater could not start with.
set -eu
umask 022
export LC_ALL=C TZ=UTC
target=$(mkdir -p "${1:-.}" && cd "${1:-.}" && pwd)
cd "$(dirname "$0")/.."

die() {
  echo "package build: fatal: $*" >&2
  exit 111
}
driver=node_modules/better-sqlite3/build/Release/better_sqlite3.node
for file in dist/rater.js dist/transport.node bin/ratecheck "$driver"; do
  [ -e "$file" ] || die "there is no $file: run npm ci, with a C and a C++ compiler"
done

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH
version=$(node -p 'require("./package.json").version.replace("-", "~")')-1
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-the ipthrottle authors} <${DEBEMAIL:-ipthrottle@packages.invalid}>"
major=$(node -p 'process.versions.node.split(".")[0]')
least=$major
[ "$major" -gt 20 ] || least=20.19

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 111' HUP INT TERM
root=$work/root
lib=$root/usr/lib/ipthrottle
doc=$root/usr/share/doc/ipthrottle

put() { # MODE DIRECTORY FILE...
  mode=$1
  place=$2
  shift 2
  install -D -m "$mode" -t "$place" "$@"
}
put_as() { # MODE TARGET FILE
  install -D -m "$1" "$3" "$2"
}

# What systemd has, and another package where systemd is not wanted.
uses() {
  echo "systemd-standalone-$1 | systemd-$1 | systemd"
}

put 644 "$lib" package.json
put 755 "$lib/bin" bin/rater bin/ipthrottle
put 644 "$lib/dist" dist/*
modules='better-sqlite3 bindings file-uri-to-path'
for name in $modules; do
  (cd node_modules && find "$name" -name '*.js*' ! -path '*/test/*' ! -path '*/build/*' ! -path '*/deps/*') |
    while read -r file; do put_as 644 "$lib/node_modules/$file" "node_modules/$file"; done
done
put_as 644 "$lib/$driver" "$driver"
strip --strip-unneeded "$lib/$driver"

put 755 "$root/usr/bin" bin/ratecheck bin/spp-*
mkdir -p "$root/usr/sbin"
ln -s ../lib/ipthrottle/bin/ipthrottle "$root/usr/bin/ipthrottle"
ln -s ../lib/ipthrottle/bin/rater "$root/usr/sbin/rater"

for page in man/*.[1-8]; do
  put 644 "$root/usr/share/man/man${page##*.}" "$page"
done
find "$root/usr/share/man" -type f -exec gzip -9n {} +
for name in spp-userthrottle spp-overload; do
  ln -s spp-ipthrottle.8.gz "$root/usr/share/man/man8/$name.8.gz"
done

put 644 "$root/etc/ipthrottle" etc/rater.conf
put_as 644 "$root/usr/lib/sysusers.d/ipthrottle.conf" debian/sysusers.conf
put_as 644 "$root/usr/lib/tmpfiles.d/ipthrottle.conf" debian/tmpfiles.conf
put_as 644 "$root/usr/share/lintian/overrides/ipthrottle" debian/lintian-overrides
# The groups of the user count without being named here; a group that is not there would be an error.
sed -e '1s/.*/# What is marked is changed by: systemctl edit ipthrottle/' \
  -e 's,=/usr/local/bin/rater,=/usr/sbin/rater,' \
  -e '/^# CHANGE: the group/d' -e '/^SupplementaryGroups=/d' \
  etc/systemd/ipthrottle.service >"$work/ipthrottle.service"
put 644 "$root/usr/lib/systemd/system" "$work/ipthrottle.service"

mkdir -p "$doc/examples"
cp -R etc/rater.conf etc/runit etc/daemontools etc/cron.d etc/grafana etc/prometheus etc/examples/* peers \
  "$doc/examples"
chmod -R u=rwX,go=rX "$doc/examples"
gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
{
  echo "ipthrottle ($version) stable; urgency=medium"
  printf '\n  * See changelog.gz.\n\n'
  echo " -- $maintainer  $(date -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9nc >"$doc/changelog.Debian.gz"

# The bundles name the file that each part came from.
vendored=$(sed -nE 's,^ *// .*node_modules/((@[^/]+/)?[^/]+)/.*,\1,p' dist/*.js)
{
  printf 'This is ipthrottle, packaged from its own repository.\n\n'
  cat LICENSE
  for name in $(printf '%s\n' $vendored $modules | sort -u); do
    printf '\n----\nIt contains %s %s:\n\n' "$name" "$(node -p "require('./node_modules/$name/package.json').version")"
    cat "node_modules/$name"/LICEN[CS]E*
  done
  printf '\n----\nbetter-sqlite3 contains SQLite, which is in the public domain.\n'
} >"$work/copyright"
put 644 "$doc" "$work/copyright"

# The newest symbols of libc that the native modules want.
libc=$(grep -aoh 'GLIBC_2\.[0-9.]*' "$lib/$driver" "$lib/dist/transport.node" | sort -uV | tail -n 1)
# As Debian counts, whatever the file system: files in whole kilobytes, all else as one.
size=$(find "$root" -printf '%y %s\n' |
  awk '{ size += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print size }')
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: ipthrottle
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $size
Depends: nodejs (>= $least), nodejs (<< $((major + 1))~), libc6 (>= ${libc#GLIBC_}), libstdc++6, $(uses sysusers), $(uses tmpfiles)
Recommends: ipsvd | ucspi-tcp
Section: mail
Priority: optional
Description: connection gatekeeper for tcpsvd and tcpserver
 ipthrottle counts the connections of each client of a mail server and refuses
 those that make too many: from then on the server itself drops the client, and
 lets it in again on time.
 .
 The driver of its database is compiled for Node $major, from wherever that comes,
 and works with no other.
CONTROL
echo /etc/ipthrottle/rater.conf >"$root/DEBIAN/conffiles"
put 755 "$root/DEBIAN" debian/postinst debian/prerm debian/postrm
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$work/md5sums"
put 644 "$root/DEBIAN" "$work/md5sums"

# Sorts, and lets no file be newer than $SOURCE_DATE_EPOCH.
file=$target/ipthrottle_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "$work/package.deb" >/dev/null
mv -f "$work/package.deb" "$file"
echo "package build: built $file"
