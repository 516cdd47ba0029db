#!/bin/sh
# usage: fuzz.sh [SECONDS]: all of our C with inputs that libFuzzer finds by coverage, under sanitizers,
# so many seconds for each of the targets, 60 unless told otherwise. Needs clang with its runtime
# (Debian: clang, libclang-rt-dev); without it says so and does nothing. Exits 1 when anything was found.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 111' HUP INT TERM

# In a fuzzer one process runs it again and again.
sed 's/^\tstatic struct answer answer;/\tstruct answer answer = {0};/' src/ratecheck/ratecheck.c \
  >"$scratch/ratecheck.c"
if cmp -s src/ratecheck/ratecheck.c "$scratch/ratecheck.c"; then
  echo 'fuzz: fatal: ratecheck.c has no such answer to be made anew' >&2
  exit 100
fi

build() {
  target=$1
  shift
  clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DLIBFUZZER \
    -DRATECHECK_C="\"$scratch/ratecheck.c\"" -Isrc/transport -o "$scratch/$target" "test/soak/$target.c" "$@"
}

cat >"$scratch/trial.c" <<'TRIAL'
int LLVMFuzzerTestOneInput(const unsigned char *input, unsigned long length)
{
	return input && length ? 0 : 0;
}
TRIAL
if ! clang -fsanitize=fuzzer,address,undefined -o "$scratch/trial" "$scratch/trial.c" 2>/dev/null; then
  echo 'fuzz: skipped: not installed: clang with libFuzzer'
  exit 0
fi

build lines-fuzz
build ratecheck-fuzz -lm
build transport-fuzz src/transport/transport.c src/transport/datagrams.c

status=0
for target in lines-fuzz ratecheck-fuzz transport-fuzz; do
  mkdir "$scratch/$target.corpus"
  if (cd "$scratch" && "./$target" -max_total_time="$seconds" -max_len=6000 -timeout=60 -rss_limit_mb=1024 \
    -print_final_stats=1 "$target.corpus" >"$target.log" 2>&1); then
    found=0
  else
    found=1 status=1
    tail -n 60 "$scratch/$target.log"
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$scratch/$target.log")
  cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$scratch/$target.log" | tail -n 1)
  echo "$target: ${runs:-0} runs, coverage $cover, findings: $found"
done
exit "$status"
