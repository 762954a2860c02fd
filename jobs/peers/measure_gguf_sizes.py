"""Sizes of GGUF files of Llamas that fit a phone or do not, by `export --dry-run` of headers with those shapes.

    measure_gguf_sizes.py --work DIR --output FILE.json

The tokenizer has no words in it: a real one makes files up to 8 MB larger. `cache_gb` are keys and values of 4,096
positions in fp16, as llama.cpp keeps them when not told otherwise.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from make_checkpoint import llama_config, llama_tensors, write
from record import REPOSITORY, save

CONTEXT = 4096
TYPES = ["Q8_0", "Q5_K_M", "Q4_K_M", "Q4_0", "Q3_K_M", "Q2_K"]
ROPE = {"rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
MODELS = {
    # hidden, intermediate, heads, key/value heads, layers, vocabulary, tied embeddings; factor of the rope, shards
    "Llama 3.2 1B": ((2048, 8192, 32, 8, 16, 128256, True), 32.0, 1),
    "Llama 3.2 3B": ((3072, 8192, 24, 8, 28, 128256, True), 32.0, 2),
    "Llama 2 7B": ((4096, 11008, 32, 32, 32, 32000, False), None, 2),
    "Llama 3.1 8B": ((4096, 14336, 32, 8, 32, 128256, False), 8.0, 4),
}


def make(folder, shape, factor, shards):
    """Headers, config.json and an empty tokenizer."""
    config = llama_config(*shape)
    if factor:
        config |= {"rope_theta": 500000.0, "rope_scaling": {"factor": factor, **ROPE}, "max_position_embeddings": 131072}
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, llama_tensors(*shape), shards, config, 0, headers_only=True)
    tokenizer = {"model": {"type": "BPE", "vocab": {}, "merges": []}, "added_tokens": [],
                 "pre_tokenizer": {"type": "ByteLevel", "use_regex": True}}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text("{}")


def size(command, folder, kind):
    """What the plan says of the file, GB."""
    result = subprocess.run([*command, "export", "--checkpoint", folder, "--type", kind, "--dry-run"],
                            capture_output=True, text=True)
    found = re.search(r"^GGUF \S+: \d+ tensors, ([\d.]+) (MB|GB)$", result.stdout, re.MULTILINE)
    if result.returncode != 0 or not found:
        sys.exit(f"{folder} as {kind}: {result.stdout}{result.stderr}")
    return round(float(found[1]) * (1e-3 if found[2] == "MB" else 1), 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, help="folder for headers; its file system must know sparse files")
    parser.add_argument("--output", required=True, help="JSON result")
    parser.add_argument("--launcher", default=str(REPOSITORY / "jobs" / "bin" / "sparkao"))
    options = parser.parse_args()
    rows = []
    for name, (shape, factor, shards) in MODELS.items():
        folder = Path(options.work).resolve() / name.replace(" ", "-")
        make(folder, shape, factor, shards)
        hidden, _, heads, kv_heads, layers, *_ = shape
        cache = 2 * 2 * layers * kv_heads * (hidden // heads) * CONTEXT / 1e9
        files = {kind: size([options.launcher], folder, kind) for kind in TYPES}
        rows.append({"model": name, "files_gb": files, "cache_gb": round(cache, 2)})
        print(name, files, f"cache {cache:.2f}", flush=True)
        shutil.rmtree(folder)
    save(options.output, {"what": "export --dry-run of header-only checkpoints in bf16", "context": CONTEXT, "rows": rows})


if __name__ == "__main__":
    main()
