#!/bin/sh
# The recorded run on the GPU of this machine: every check of the benches, their times beside the peers', the figures, and
# compute-sanitizer; all in FOLDER and, when it is done, in FOLDER.tar.gz. Needs build-benches.sh before, and for the peers
# Python with PyTorch and Triton (peers/README.md). The Java side is `mvn -Pgpu verify` and `sparkao bench`.
#
#   record-run.sh FOLDER [STEP...]      steps: peers, checks, times, figures, sanitizer; all of them, in this order, when none
#                                       is named. BENCHES: another folder with the programs
set -eu
usage() {
  echo "usage: record-run.sh FOLDER [peers|checks|times|figures|sanitizer]..." >&2
  exit 2
}
[ $# -ge 1 ] || usage
scripts=$(CDPATH='' cd "$(dirname "$0")" && pwd)
module=$(CDPATH='' cd "$scripts/../../.." && pwd)
benches=${BENCHES:-$module/target/cuda-bench}
mkdir -p "$1"
folder=$(CDPATH='' cd "$1" && pwd)
shift
export benches folder

# Nothing runs beside them on the GPU.
run_peers() {
  python3 "$module/peers/bench_gemm.py" --output "$folder/peers.json" >"$folder/peers.log" \
    || echo "record-run: bench_gemm.py ended with $?: see peers.log; it may lack peers" >&2
  python3 "$module/peers/bench_layer.py" --output "$folder/layer-peer.json" >"$folder/layer-peer.log" \
    || echo "record-run: bench_layer.py ended with $?" >&2
}

need_programs() {
  [ -x "$benches/gemm_decode" ] || { echo "record-run: no programs in $benches; build-benches.sh makes them" >&2; exit 2; }
}

# Checks do not mind company.
run_checks() {
  need_programs
  rm -f "$folder/checks.txt"
  for program in "$benches"/*; do basename "$program"; done | xargs -n 1 -P 16 sh -c '
    "$benches/$0" --check >"$folder/check-$0.log" 2>&1 && code=0 || code=$?
    echo "$0 exit code $code: $(tail -n 1 "$folder/check-$0.log")" >>"$folder/checks.txt"'
  cat "$folder/checks.txt"
  if grep -qv 'exit code 0:' "$folder/checks.txt"; then
    echo "record-run: a check failed; what is timed counts for nothing" >&2
    exit 1
  fi
}

# One after another, and nothing beside them.
run_times() {
  rm -f "$folder/times.jsonl"
  need_programs
  for program in "$benches"/*; do
    op=$(basename "$program")
    "$program" --time >"$folder/time-$op.log" || echo "record-run: $op --time ended with $?" >&2
    grep '^{' "$folder/time-$op.log" >>"$folder/times.jsonl" || true
  done
}

run_figures() {
  grep -h '"relative_error"' "$folder"/check-*.log >"$folder/errors.jsonl" || true
  python3 "$module/peers/compare.py" --peers "$folder/peers.json" --output "$folder/figures.json" "$folder/times.jsonl" \
    "$folder/errors.jsonl" >"$folder/figures.txt" || true
  sed -n '/target\|published/p' "$folder/figures.txt"
}

run_sanitizer() {
  need_programs
  BENCHES=$benches sh "$scripts/sanitize.sh" >"$folder/sanitizer.txt" 2>"$folder/sanitizer.log" || true
  cat "$folder/sanitizer.txt"
}

nvidia-smi --query-gpu=name,driver_version --format=csv,noheader >"$folder/machine.txt"
git -C "$module" rev-parse HEAD >>"$folder/machine.txt" 2>/dev/null || true
[ $# -gt 0 ] || set -- peers checks times figures sanitizer
for step; do
  case $step in
    peers | checks | times | figures | sanitizer) "run_$step" ;;
    *) usage ;;
  esac
done
tar -czf "$folder.tar.gz" -C "$(dirname "$folder")" "$(basename "$folder")"
echo "$folder.tar.gz"
