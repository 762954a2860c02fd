#!/bin/sh
# Installs nvcc 13.0 into FOLDER from NVIDIA's Python packages; needs python3 with venv, and network.
#
#   install-nvcc.sh FOLDER        afterwards FOLDER/nvidia/cu13/bin/nvcc is there
#
# All five are of 13.0: the parts of a later 13.x would need a newer driver.
set -eu
target=$1
work=$target.install-$$
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$work"
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-compile --target "$work/nvcc" \
  nvidia-cuda-nvcc==13.0.88 \
  nvidia-cuda-crt==13.0.88 \
  nvidia-nvvm==13.0.88 \
  nvidia-cuda-runtime==13.0.96 \
  nvidia-cuda-cccl==13.0.85
"$work/nvcc/nvidia/cu13/bin/nvcc" --version >/dev/null
rm -rf "$target"
# A build beside this one may have been first: then its copy is as good.
mv "$work/nvcc" "$target" 2>/dev/null || [ -x "$target/nvidia/cu13/bin/nvcc" ]
