#!/bin/sh
# Compiles SOURCES/<op>/<op>.cu to OUTPUT/<op>.fatbin, two at a time, and only what is older than its sources.
# Without an nvcc it says so and ends well: the build then has no CUDA.
#
#   build-kernels.sh SOURCES OUTPUT TARGET CACHE      TARGET/nvcc holds an nvcc that was fetched
#
# CACHE keeps what was compiled, under a hash of all that decides it: sources, these scripts, which say the nvcc that is
# fetched, and the nvcc of this machine. So a clean build compiles what is new. What nobody asked for in 60 days goes.
#
# The code is for Hopper (sm_90a), and as PTX for every architecture from 8.0 on.
set -eu
scripts=$(CDPATH='' cd "$(dirname "$0")" && pwd)
sources=$1
output=$2
target=$3
cache=$4

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

key() {
  {
    for nvcc in nvcc "${CUDA_HOME:-}/bin/nvcc"; do
      "$nvcc" --version 2>/dev/null || true
    done
    cat "$scripts"/*.sh
    find "$sources" "$scripts/../cuda/include" -type f \( -name '*.cuh' -o -path "$sources/$1/*" \) ! -name 'bench*' \
      ! -name '*.md' | LC_ALL=C sort | while read -r file; do
        printf '%s\n' "${file#"$sources"}"
        cat "$file"
      done
  } | sha256sum | cut -d ' ' -f 1
}

mkdir -p "$output" "$cache"
find "$cache" -name '*.fatbin' -mtime +60 -delete
wanted=
for op in $stale; do
  kept=$cache/$op-$(key "$op").fatbin
  if [ -f "$kept" ]; then
    touch "$kept"
    cp "$kept" "$output/$op.fatbin.tmp"
    mv "$output/$op.fatbin.tmp" "$output/$op.fatbin"
  else
    wanted="$wanted $op"
  fi
done
stale=$wanted
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
export nvcc sources output scripts small
# What takes longest first, so that neither of the two waits for the other in the end: int4, then the longest sources.
# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; the names are words
for op in $stale; do
  case $op in
    gemm_int4*) echo "9999999 $op" ;;
    *) echo "$(cat "$sources/$op"/*.cu* | wc -c) $op" ;;
  esac
done | sort -rn | cut -d ' ' -f 2 | xargs -n 1 -P 2 sh -c '
  echo "kernels: compiling $0" >&2
  "$nvcc" -fatbin -O3 -std=c++17 -lineinfo -Werror all-warnings \
    -gencode arch=compute_90a,code=sm_90a -gencode arch=compute_80,code=compute_80 \
    $small -I "$scripts/../cuda/include" -o "$output/$0.fatbin.tmp" "$sources/$0/$0.cu" \
    && mv "$output/$0.fatbin.tmp" "$output/$0.fatbin"'
for op in $stale; do
  cp "$output/$op.fatbin" "$cache/$op.tmp$$"
  mv "$cache/$op.tmp$$" "$cache/$op-$(key "$op").fatbin"
done
