#!/bin/sh
# Prints the path of an nvcc of CUDA 12.0 or later: that of PATH, that of CUDA_HOME, or one that is installed into
# TARGET/nvcc. Without one it says in one line what is missing, and ends with 1.
#
#   find-nvcc.sh TARGET
set -eu
target=$1

missing() {
  printf '%s\n' "kernels: no CUDA in this build: $1" >&2
  exit 1
}

# sm_90a came with CUDA 12.0.
is_recent() {
  release=$("$1" --version 2>/dev/null | sed -n 's/.*release \([0-9]*\)\..*/\1/p')
  [ "${release:-0}" -ge 12 ]
}

command -v g++ >/dev/null || missing "nvcc needs g++, which is not on PATH"
for nvcc in "$(command -v nvcc || true)" "${CUDA_HOME:-}/bin/nvcc" "$target/nvcc/nvidia/cu13/bin/nvcc"; do
  if [ -x "$nvcc" ] && is_recent "$nvcc"; then
    printf '%s\n' "$nvcc"
    exit 0
  fi
done

none="no nvcc of CUDA 12 or later on PATH or under CUDA_HOME, and"
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || missing "$none it can be fetched for Linux on x86-64 alone"
command -v python3 >/dev/null || missing "$none no python3 to fetch it"
mkdir -p "$target"
log=$target/install-nvcc.log
echo "kernels: fetching nvcc 13.0 into $target/nvcc (once, about 85 MB)" >&2
sh "$(dirname "$0")/install-nvcc.sh" "$target/nvcc" >"$log" 2>&1 \
  || missing "$none fetching it failed: $(grep -v '^$' "$log" | tail -n 1) (all of it in $log)"
printf '%s\n' "$target/nvcc/nvidia/cu13/bin/nvcc"
