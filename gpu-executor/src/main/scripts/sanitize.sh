#!/bin/sh
# Runs every kernel under compute-sanitizer (memcheck and racecheck) on the GPU of this machine, by the programs that
# build-benches.sh made, on few small shapes, several at a time. Exit code 1 when a tool found an error or a check failed,
# or a program did not end in time.
#
#   sanitize.sh [OP...]      all programs in target/cuda-bench when none is named; BENCHES: another folder with the programs;
#                            LIMIT: seconds that each may take (default 600); AT_A_TIME: how many (default: processors)
set -eu
scripts=$(CDPATH='' cd "$(dirname "$0")" && pwd)
benches=${BENCHES:-$scripts/../../../target/cuda-bench}
limit=${LIMIT:-600}
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
export benches limit
for tool in racecheck memcheck; do
  for op; do
    echo "$op $tool"
  done
done | xargs -n 2 -P "${AT_A_TIME:-$(nproc)}" sh -c '
  log=$(mktemp)
  timeout "$limit" compute-sanitizer --tool "$1" --error-exitcode 3 "$benches/$0" --smallest >"$log" 2>&1 \
    && code=0 || code=$?
  checks=$(grep -c "^CHECK" "$log" || true)
  case $code in
    0) result=ok ;;
    124) result="NOT FINISHED in $limit s" ;;
    *) result=FAILED; grep -E "=========|FAILED" "$log" | head -40 >&2 ;;
  esac
  echo "$0 $1 $result: $checks checks, $(grep SUMMARY "$log" | tail -1 | sed "s/=* *//")"
  rm -f "$log"
  [ "$code" -eq 0 ]' || exit 1
