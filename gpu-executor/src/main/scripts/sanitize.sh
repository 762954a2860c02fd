#!/bin/sh
# Runs every kernel under compute-sanitizer (memcheck, then racecheck) on the GPU of this machine, by the programs that
# build-benches.sh made, on few small shapes. Exit code 1 when a tool found an error or a check failed.
#
#   sanitize.sh [OP...]      all programs in target/cuda-bench when none is named; BENCHES: another folder with the programs
set -eu
scripts=$(CDPATH='' cd "$(dirname "$0")" && pwd)
benches=${BENCHES:-$scripts/../../../target/cuda-bench}
command -v compute-sanitizer >/dev/null || {
  echo "sanitize: no compute-sanitizer on PATH; it comes with the CUDA toolkit" >&2
  exit 2
}
if [ $# -eq 0 ]; then
  for program in "$benches"/*; do
    [ ! -x "$program" ] || set -- "$@" "$(basename "$program")"
  done
fi
[ $# -gt 0 ] || { echo "sanitize: no programs in $benches; build-benches.sh makes them" >&2; exit 2; }
failed=0
for op; do
  for tool in memcheck racecheck; do
    log=$(mktemp)
    if compute-sanitizer --tool "$tool" --error-exitcode 3 "$benches/$op" --smallest >"$log" 2>&1; then
      result=ok
    else
      result=FAILED
      failed=1
      grep -E '=========|FAILED' "$log" | head -40 >&2
    fi
    echo "$op $tool $result: $(grep -c '^CHECK' "$log" || true) checks, $(grep SUMMARY "$log" | tail -1 | sed 's/=* *//')"
    rm -f "$log"
  done
done
exit $failed
