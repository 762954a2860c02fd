#!/bin/sh
# The recorded run on the GPU of this machine: every check of the benches, then their times beside the peers', the figures,
# and compute-sanitizer; all in FOLDER and, when it is done, in FOLDER.tar.gz. Needs build-benches.sh before, and for the
# peers Python with PyTorch and Triton (peers/README.md). The Java side is `mvn -Pgpu verify` and `sparkao bench`.
#
#   record-run.sh FOLDER      BENCHES: another folder with the programs; SANITIZE=no leaves compute-sanitizer out
set -eu
[ $# -eq 1 ] || { echo "usage: record-run.sh FOLDER" >&2; exit 2; }
scripts=$(CDPATH='' cd "$(dirname "$0")" && pwd)
module=$(CDPATH='' cd "$scripts/../../.." && pwd)
benches=${BENCHES:-$module/target/cuda-bench}
[ -x "$benches/gemm_decode" ] || { echo "record-run: no programs in $benches; build-benches.sh makes them" >&2; exit 2; }
mkdir -p "$1"
folder=$(CDPATH='' cd "$1" && pwd)
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader >"$folder/machine.txt"
git -C "$module" rev-parse HEAD >>"$folder/machine.txt" 2>/dev/null || true

# Checks do not mind company; times are taken one after another.
export benches folder
for program in "$benches"/*; do basename "$program"; done | xargs -n 1 -P 8 sh -c '
  "$benches/$0" --check >"$folder/check-$0.log" 2>&1 && code=0 || code=$?
  echo "$0 exit code $code: $(tail -n 1 "$folder/check-$0.log")" >>"$folder/checks.txt"'
cat "$folder/checks.txt"
if grep -qv 'exit code 0:' "$folder/checks.txt"; then
  echo "record-run: a check failed; nothing was timed" >&2
  exit 1
fi
python3 "$module/peers/bench_gemm.py" --output "$folder/peers.json" >"$folder/peers.log"
for program in "$benches"/*; do
  op=$(basename "$program")
  "$program" --time >"$folder/time-$op.log"
  grep '^{' "$folder/time-$op.log" >>"$folder/times.jsonl" || true
done
grep -h '"relative_error"' "$folder"/check-*.log >>"$folder/times.jsonl" || true
python3 "$module/peers/compare.py" --peers "$folder/peers.json" --output "$folder/figures.json" "$folder/times.jsonl" \
  >"$folder/figures.txt" || true
python3 "$module/peers/bench_layer.py" --output "$folder/layer-peer.json" >"$folder/layer-peer.log"
if [ "${SANITIZE:-yes}" = yes ]; then
  BENCHES=$benches sh "$scripts/sanitize.sh" >"$folder/sanitizer.txt" 2>"$folder/sanitizer.log" || true
fi
tar -czf "$folder.tar.gz" -C "$(dirname "$folder")" "$(basename "$folder")"
sed -n '/target\|published/p' "$folder/figures.txt"
echo "$folder.tar.gz"
