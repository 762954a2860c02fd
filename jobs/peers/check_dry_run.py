"""Times `quantize --dry-run` on a checkpoint of 1.5 TB in 700 shards and some 90,000 tensors: headers only, made sparse.

    check_dry_run.py --work DIR --output FILE.json

Without --output, or the plan would be refused for want of space. Bounds: 20 s and 1 GB of resident memory, start included. Exit code 1 when a run misses them.
"""

import argparse
import shutil
import sys
from pathlib import Path

from make_checkpoint import mixture_tensors, write
from record import REPOSITORY, drop_caches, java_version, measure, save

EXPERTS, HIDDEN, INTERMEDIATE, LAYERS, VOCABULARY, SHARDS = 320, 4096, 2048, 93, 151936, 700
SECONDS, BYTES = 20, 1e9
SCHEMES = ["FP8_DYNAMIC", "W4A16", "NVFP4A16"]


def config():
    """config.json of a mixture of experts with these shapes."""
    return {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "hidden_size": HIDDEN,
            "moe_intermediate_size": INTERMEDIATE, "intermediate_size": 4 * INTERMEDIATE, "num_experts": EXPERTS,
            "num_experts_per_tok": 8, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
            "num_hidden_layers": LAYERS, "vocab_size": VOCABULARY, "tie_word_embeddings": False,
            "torch_dtype": "bfloat16"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, help="folder for the sparse checkpoint; its file system must know sparse files")
    parser.add_argument("--output", required=True, help="JSON result")
    parser.add_argument("--launcher", default=str(REPOSITORY / "jobs" / "bin" / "sparkao"))
    parser.add_argument("--scheme", action="append")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    if not Path(options.launcher).exists():
        sys.exit(f"{options.launcher} is missing; build the project first (README.md of the repository)")
    work = Path(options.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / "headers-1.5tb"
    tensors = mixture_tensors(EXPERTS, HIDDEN, INTERMEDIATE, LAYERS, VOCABULARY)
    shutil.rmtree(checkpoint, ignore_errors=True)
    total = write(checkpoint, tensors, SHARDS, config(), 0, headers_only=True)
    shards = len(list(checkpoint.glob("*.safetensors")))
    disk = sum(path.stat().st_blocks * 512 for path in checkpoint.iterdir())
    print(f"{total / 1e12:.2f} TB in {shards} shards, {len(tensors)} tensors, {disk / 1e6:.0f} MB on disk", flush=True)
    rows = []
    for scheme in options.scheme or SCHEMES:
        for repetition in range(options.repetitions):
            drop_caches()
            command = [options.launcher, "quantize", "--checkpoint", checkpoint, "--scheme", scheme, "--dry-run"]
            result = measure(command, work / "dry-run.log")
            good = result.exit_code == 0 and result.seconds < SECONDS and result.peak_bytes < BYTES
            rows.append({"scheme": scheme, "cache": "cold", "within_bounds": good, **result.row()})
            print(f"{scheme}: exit code {result.exit_code}, {result.seconds:.1f} s, {result.peak_bytes / 1e6:.0f} MB", flush=True)
            if result.exit_code != 0:
                print(result.log[-1500:])
    shutil.rmtree(checkpoint)
    save(options.output, {"check": "quantize --dry-run of a 1.5 TB checkpoint", "bounds": {"seconds": SECONDS, "peak_rss_mb": BYTES / 1e6},
                          "java": java_version(), "tensors": len(tensors), "shards": shards, "tensor_bytes": total, "rows": rows})
    return 0 if all(row["within_bounds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
