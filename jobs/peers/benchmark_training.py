"""Times `train` on one GPU that does nothing else: states of AdamW at the same batch, or blocks of Llama-3.1 8B shapes.

`states`: the checkpoint is trained with fp32, 8-bit, 4-bit and fp8 moments in turn, --rounds times; tokens a second are the
median over the steps behind --skip of all rounds, bytes of moments what the plan says. `blocks`: --mode block over the first
--layers blocks of random weights of those shapes; seconds of a block from its steps and from the whole command, peak of GPU
memory as nvidia-smi sees it every 250 ms.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet

import make_checkpoint
from calibrate_llama import GpuMemory, tokens_of

FORMATS = ("fp32", "8bit", "4bit", "fp8")


def train(options, checkpoint, work, more):
    """Seconds and GPU peak of one training, its plan's text, and its steps."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    command = [options.launcher, "train", "--checkpoint", str(checkpoint), "--data", options.data, "--scheme", options.scheme,
               "--device", "cuda", "--save-every", "1000000", "--output", str(work / "out"), "--tables", str(work / "tables"), *more]
    start = time.monotonic()
    with GpuMemory() as memory:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-4000:]}")
    files = [file for file in (work / "tables" / "train_steps").rglob("*.parquet") if "_delta_log" not in file.parts]
    columns = ["block", "step", "tokens", "seconds", "loss"]
    rows = pyarrow.concat_tables([pyarrow.parquet.read_table(file, columns=columns, partitioning=None) for file in files]).to_pylist()
    shutil.rmtree(work)
    return {"seconds": round(seconds, 1), "gpu_mib": memory.most}, done.stdout, rows


def states(options):
    found = {name: [] for name in FORMATS}
    figures = {}
    for _ in range(options.rounds):
        for name in FORMATS:
            run, text, rows = train(options, options.checkpoint, options.work / name,
                                    ["--mode", "model", "--distill", "--optimizer-states", name, "--steps", str(options.steps),
                                     "--batch-sequences", "16", "--sequence-length", "2048"])
            found[name] += [row["tokens"] / row["seconds"] for row in rows if row["step"] > options.skip]
            figures[name] = {**run, "moments": re.search(r"([\d.,]+ \w+) of moments", text).group(1)}
            print(name, json.dumps(figures[name]), flush=True)
    for name in FORMATS:
        figures[name]["tokens_per_second"] = round(statistics.median(found[name]))
        figures[name]["of_fp32"] = round(statistics.median(found[name]) / statistics.median(found["fp32"]), 3)
    return figures


def blocks(options):
    *shape, _ = make_checkpoint.SIZES["8b"]
    shape[4], shape[5] = options.layers, tokens_of(options.checkpoint)
    model = options.work / "model"
    make_checkpoint.write(model, make_checkpoint.llama_tensors(*shape), options.layers + 2, make_checkpoint.llama_config(*shape),
                          20261130, processes=16)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(options.checkpoint / name, model)
    run, text, rows = train(options, model, options.work / "blocks",
                            ["--mode", "block", "--scales", "learned-step", "--samples", "256", "--sequence-length", "2048",
                             "--batch-sequences", "8", "--steps", str(options.steps)])
    shutil.rmtree(model)
    by_block = {}
    for row in rows:
        by_block.setdefault(row["block"], []).append(row)
    return {**run, "layers": options.layers, "plan": re.search(r"[^\n]*of moments[^\n]*", text).group(0).strip(),
            "seconds_of_steps": {name: round(sum(row["seconds"] for row in all), 1) for name, all in sorted(by_block.items())},
            "first_and_last_loss": {name: [min(all, key=lambda row: row["step"])["loss"], max(all, key=lambda row: row["step"])["loss"]]
                                    for name, all in sorted(by_block.items())}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("states", "blocks"))
    parser.add_argument("--work", type=Path, required=True, help="folder with room for the checkpoint and its output")
    parser.add_argument("--launcher", default=str(Path(__file__).resolve().parents[1] / "bin" / "sparkao"))
    parser.add_argument("--checkpoint", type=Path, required=True, help="to train; of blocks, whose tokenizer is taken")
    parser.add_argument("--data", required=True, help="text or rows of tokens")
    parser.add_argument("--scheme", default="8DA4W(group_size=192)")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--skip", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--output", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    figures = states(options) if options.what == "states" else blocks(options)
    options.output.write_text(json.dumps({"what": options.what, "scheme": options.scheme, "steps": options.steps, **figures}, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
