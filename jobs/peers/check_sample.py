"""Quantizes the bundled sample with this project and answers its items with transformers: what int4 really costs.

    check_sample.py --work DIR --output FILE.json

Runs in the loading environment. transformers opens each output, dequantizes the weights and computes in fp32, so that
only what the weights lost shows. An item's answer is the ending with the largest sum of log-likelihoods; `lost`
is paired with the unquantized sample; ± is one standard error. Exit code 1 unless bf16 is above 90 % (chance is 25 %), W4A16
loses more than three of its standard errors and FP8_DYNAMIC less than one point.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from open_checkpoint import loading_options
from record import REPOSITORY, java_version, save, versions

SAMPLE = REPOSITORY / "datasets" / "src" / "main" / "resources" / "sample"
SCHEMES = ["FP8_DYNAMIC", "W8A16(group_size=-1)", "W4A16(group_size=64)", "W4A16", "W3A16"]
BATCH = 128


def rows_of(tokenizer, items):
    """(token ids, first of the ending) of every ending of every item."""
    rows = []
    for item in items:
        first = len(tokenizer.encode(item["context"]).ids)
        rows += [(tokenizer.encode(item["context"] + ending).ids, first) for ending in item["endings"]]
    return rows


@torch.no_grad()
def right_answers(folder, rows, items, quantized):
    """1 or 0 for each item."""
    options = loading_options(folder) if quantized else {}
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options).eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
    sums = [0.0] * len(rows)
    for begin in range(0, len(order), BATCH):
        chosen = order[begin:begin + BATCH]
        width = max(len(rows[i][0]) for i in chosen)
        ids = torch.tensor([rows[i][0] + [0] * (width - len(rows[i][0])) for i in chosen])
        scores = torch.log_softmax(model(ids[:, :-1]).logits.float(), -1).gather(-1, ids[:, 1:, None])[..., 0]
        for row, i in zip(scores, chosen):
            sums[i] = float(row[rows[i][1] - 1:len(rows[i][0]) - 1].sum())
    answers = [max(range(4), key=lambda ending, at=at: sums[4 * at + ending]) for at in range(len(items))]
    return [int(answer == item["label"]) for answer, item in zip(answers, items)]


def mean_and_error(values):
    """Mean and its standard error."""
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, help="folder for the outputs")
    parser.add_argument("--output", required=True, help="JSON result")
    options = parser.parse_args()
    items = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = rows_of(Tokenizer.from_file(str(SAMPLE / "llama" / "tokenizer.json")), items)
    base = right_answers(SAMPLE / "llama", rows, items, False)
    table = {}
    for scheme in [None, *SCHEMES]:
        folder = Path(options.work) / "sample-output"
        shutil.rmtree(folder, ignore_errors=True)
        if scheme:
            subprocess.run([REPOSITORY / "jobs" / "bin" / "sparkao", "quantize", "--checkpoint", SAMPLE / "llama", "--output", folder,
                            "--scheme", scheme, "--tables", Path(options.work) / "sample-tables"], check=True, stdout=subprocess.DEVNULL)
        right = right_answers(folder, rows, items, True) if scheme else base
        accuracy, error = mean_and_error(right)
        lost, lost_error = mean_and_error([before - after for before, after in zip(base, right)])
        table[scheme or "bf16"] = {"accuracy": round(accuracy, 4), "error": round(error, 4), "lost": round(lost, 4),
                                   "lost_error": round(lost_error, 4)}
        print(f"{scheme or 'bf16':22} {100 * accuracy:5.1f} % ± {100 * error:.1f}, lost {100 * lost:.1f} ± {100 * lost_error:.1f}", flush=True)
    int4 = table["W4A16"]
    good = table["bf16"]["accuracy"] > 0.9 and int4["lost"] > 3 * int4["lost_error"] and table["FP8_DYNAMIC"]["lost"] < 0.01
    save(options.output, {"check": "items of the bundled sample, answered by transformers from this project's output", "items": len(items),
                          "chance": 0.25, "within_bounds": good, "java": java_version(),
                          "versions": versions(sys.executable, "torch", "transformers", "compressed-tensors"), "schemes": table})
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
