#!/bin/sh
# Compiles SOURCES/<op>/<op>.cu to OUTPUT/<op>.fatbin, two at a time, and only what is older than its sources.
# Without an nvcc it says so and ends well: the build then has no CUDA.
#
#   build-kernels.sh SOURCES OUTPUT TARGET CACHE      TARGET/nvcc holds an nvcc that was fetched
#
# CACHE keeps what was compiled, under a hash of all that decides it: its sources, these scripts, which say the nvcc that is
# fetched, and the nvcc of this machine. So a clean build compiles what is new. What nobody asked for in 60 days goes.
#
# The code is for Hopper (sm_90a), and as PTX for every architecture from 8.0 on.
set -eu
scripts=$(CDPATH='' cd "$(dirname "$0")" && pwd)
sources=$1
output=$2
target=$3
cache=$4

include=$scripts/../cuda/include
newline='
'

# The files that an operation is made of, a line each: its .cu and what that includes by name, however deep.
files_of() {
  (
    IFS=$newline
    set -f
    todo=$sources/$1/$1.cu
    seen=
    while [ -n "$todo" ]; do
      # shellcheck disable=SC2086 # a word is a line
      set -- $todo
      file=$1
      shift
      todo=$*
      case $newline$seen$newline in
        *"$newline$file$newline"*) continue ;;
      esac
      seen=$seen$newline$file
      # shellcheck disable=SC2013 # here, too
      for name in $(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file"); do
        for folder in "${file%/*}" "$include"; do
          if [ -f "$folder/$name" ]; then
            todo=$todo$newline$folder/$name
            break
          fi
        done
      done
    done
    printf '%s\n' "${seen#"$newline"}"
  )
}

# Whether a fatbin is older than a file it is made of.
is_stale() {
  fatbin=$output/$1.fatbin
  [ -f "$fatbin" ] || return 0
  [ -n "$({ files_of "$1"; echo "$scripts/build-kernels.sh"; } | while read -r file; do
    find "$file" -newer "$fatbin"
  done)" ]
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
    files_of "$1" | while read -r file; do
      printf '%s\n' "${file##*/}"
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
export nvcc sources output include small
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
    $small -I "$include" -o "$output/$0.fatbin.tmp" "$sources/$0/$0.cu" \
    && mv "$output/$0.fatbin.tmp" "$output/$0.fatbin"'
for op in $stale; do
  cp "$output/$op.fatbin" "$cache/$op.tmp$$"
  mv "$cache/$op.tmp$$" "$cache/$op-$(key "$op").fatbin"
done
