#!/bin/sh
# Any script can ask rater: this one runs a command unless that happens too often.
#
# usage: rate-limit.sh CLASS VALUE COMMAND [ARGUMENT...]
# CLASS is one of `limits` in rater.conf(5). Exits 75 (EX_TEMPFAIL) when the limit is exceeded,
# otherwise as COMMAND does. Without an answer the command runs: better unlimited than never.

if [ $# -lt 3 ]; then
  echo 'usage: rate-limit.sh CLASS VALUE COMMAND [ARGUMENT...]' >&2
  exit 100
fi
class=$1 value=$2
shift 2

# `-n` counts a hit, prints the reply and exits with its first digit.
reply=$(ratecheck -n "$class" "$value")
case $? in
0) ;;
1)
  echo "rate-limit: too often, $reply" >&2
  exit 75
  ;;
*) echo "rate-limit: not limited: ${reply:-no answer}" >&2 ;;
esac
exec "$@"
