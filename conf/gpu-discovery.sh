#!/bin/sh
# Tells Spark which GPUs this machine has: {"name":"gpu","addresses":["0","1"]}. Settings that use it: conf/gpu.md.
#
# An address is the number that a program started here gives the GPU: of nvidia-smi's list, or, where
# CUDA_VISIBLE_DEVICES hides some, its place in that list. Without a GPU the script fails and says why, so that a
# worker that promises GPUs does not start.
set -eu

fail() {
  echo "gpu-discovery: $1" >&2
  exit 1
}

command -v nvidia-smi >/dev/null || fail "no nvidia-smi on PATH: install the NVIDIA driver, in a container pass the GPU through"
if ! all=$(nvidia-smi --query-gpu=index --format=csv,noheader 2>&1); then
  fail "nvidia-smi: $(printf '%s' "$all" | head -n 1)"
fi
count=$(printf '%s\n' "$all" | grep -c '^[0-9][0-9]*$') || fail "nvidia-smi lists no GPU"

if [ -n "${CUDA_VISIBLE_DEVICES+set}" ]; then
  visible=$(printf '%s' "$CUDA_VISIBLE_DEVICES" | tr ',' '\n' | grep -c '[^ ]') || fail "CUDA_VISIBLE_DEVICES hides every GPU"
  [ "$visible" -le "$count" ] || fail "CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES names $visible GPUs, nvidia-smi lists $count"
  count=$visible
fi

addresses=
i=0
while [ "$i" -lt "$count" ]; do
  addresses=$addresses${addresses:+,}\"$i\"
  i=$((i + 1))
done
echo "{\"name\":\"gpu\",\"addresses\":[$addresses]}"
