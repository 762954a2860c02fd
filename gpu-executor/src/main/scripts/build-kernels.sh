#!/bin/sh
# Compiles SOURCES/<op>/<op>.cu to OUTPUT/<op>.fatbin, two at a time, and only what is older than its sources.
# Without an nvcc it says so and ends well: the build then has no CUDA.
#
#   build-kernels.sh SOURCES OUTPUT TARGET      TARGET/nvcc holds an nvcc that was fetched
#
# The code is for Hopper (sm_90a), and as PTX for every architecture from 8.0 on.
set -eu
scripts=$(CDPATH='' cd "$(dirname "$0")" && pwd)
sources=$1
output=$2
target=$3

# Whether a fatbin is older than a file it is made of. Operations include headers of each other: any header counts.
is_stale() {
  [ ! -f "$output/$1.fatbin" ] && return 0
  fatbin=$output/$1.fatbin
  own=$sources/$1
  set -- "$sources" "$scripts/build-kernels.sh"
  [ ! -d "$scripts/../cuda/include" ] || set -- "$@" "$scripts/../cuda/include"
  [ -n "$(find "$@" -type f \( -name '*.cuh' -o -path "$own/*" -o -name '*.sh' \) ! -name 'bench*' ! -name '*.md' \
    -newer "$fatbin" | head -n 1)" ]
}

stale=
for file in "$sources"/*/*.cu; do
  op=$(basename "$(dirname "$file")")
  if [ -f "$file" ] && [ "$(basename "$file")" = "$op.cu" ] && is_stale "$op"; then
    stale="$stale $op"
  fi
done
[ -n "$stale" ] || exit 0
if ! nvcc=$(sh "$scripts/find-nvcc.sh" "$target"); then
  # What is older than its sources must not run with the launchers of today.
  for op in $stale; do
    rm -f "$output/$op.fatbin"
  done
  exit 0
fi

# A tenth of the size, since CUDA 12.8.
small=
if "$nvcc" --help | grep -q compress-mode; then
  small=-compress-mode=size
fi
mkdir -p "$output"
export nvcc sources output scripts small
# The longest sources first, so that neither of the two waits for the other in the end.
# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; the names are words
for op in $stale; do
  echo "$(cat "$sources/$op"/*.cu* | wc -c) $op"
done | sort -rn | cut -d ' ' -f 2 | xargs -n 1 -P 2 sh -c '
  echo "kernels: compiling $0" >&2
  "$nvcc" -fatbin -O3 -std=c++17 -lineinfo -Werror all-warnings \
    -gencode arch=compute_90a,code=sm_90a -gencode arch=compute_80,code=compute_80 \
    $small -I "$scripts/../cuda/include" -o "$output/$0.fatbin.tmp" "$sources/$0/$0.cu" \
    && mv "$output/$0.fatbin.tmp" "$output/$0.fatbin"'
