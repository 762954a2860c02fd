#!/bin/sh
# Compiles every src/main/cuda/<op>/bench.cu to target/cuda-bench/<op>, two at a time: programs without a JVM that
# check and time the kernels of one operation on the GPU of this machine.
#
#   build-benches.sh [OP...]      all operations when none is named
set -eu
scripts=$(CDPATH='' cd "$(dirname "$0")" && pwd)
module=$(CDPATH='' cd "$scripts/../../.." && pwd)
sources=$module/src/main/cuda
output=$module/target/cuda-bench
nvcc=$(sh "$scripts/find-nvcc.sh" "$module/target")

if [ $# -eq 0 ]; then
  for file in "$sources"/*/bench.cu; do
    set -- "$@" "$(basename "$(dirname "$file")")"
  done
fi
mkdir -p "$output"
# The static runtime lies beside an nvcc that was fetched; a toolkit finds its own.
libraries=$(dirname "$nvcc")/../lib
export nvcc sources output libraries
# shellcheck disable=SC2016 # expanded by the inner shell
printf '%s\n' "$@" | xargs -n 1 -P 2 sh -c '
  echo "benches: compiling $0" >&2
  "$nvcc" -O3 -std=c++17 -lineinfo -Werror all-warnings -gencode arch=compute_90a,code=sm_90a \
    -L "$libraries" -I "$sources/include" -o "$output/$0" "$sources/$0/bench.cu"'
