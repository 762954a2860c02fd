"""Accuracy and perplexity of a sample model under simulated quantization.

    python measure.py TEXT_FOLDER MODEL_FOLDER [--items N]

Rounds the weights of every linear layer but the output matrix to nearest, computes in float32, and
prints one row a scheme. An item counts as right when the sum of the log-likelihoods of its right
ending is the largest of the four. The standard error is that of a mean of 0 and 1; `lost` is the
paired difference to bf16 with its own standard error.
"""

import argparse
import copy
import json
import math
import pathlib

import tokenizers
import torch
from torch import nn
from torch.nn import functional as F

import llama

FP8_MAX = 448.0


def fp8(x):
    """Per row: scale = amax / 448, float8 e4m3fn."""
    scale = (x.abs().amax(-1, keepdim=True) / FP8_MAX).clamp(min=1e-12)
    return (x / scale).to(torch.float8_e4m3fn).float() * scale


def integer(bits, group=None):
    """Symmetric, per row or per group of columns: scale = amax / (2^bits - 1) * 2, in bf16."""

    def quantize(x):
        shape = x.shape
        x = x if group is None else x.reshape(*shape[:-1], -1, group)
        scale = x.abs().amax(-1, keepdim=True) / ((2**bits - 1) / 2)
        scale = scale.bfloat16().float().clamp(min=1e-12)
        codes = (x / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return (codes * scale).reshape(shape)

    return quantize


SCHEMES = {
    "bf16": (None, None),
    "FP8 per row, dynamic": (fp8, fp8),
    "W8A8 per row, dynamic": (integer(8), integer(8)),
    "W8A16 per row": (integer(8), None),
    "W4A16 g64": (integer(4, 64), None),
    "W4A16 g128": (integer(4, 128), None),
    "W3A16 g128": (integer(3, 128), None),
}


def quantized(model, weights, activations):
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            if weights:
                module.weight.data = weights(module.weight.data)
            if activations:
                module.register_forward_pre_hook(lambda _, args: (activations(args[0]),))
    return model


@torch.no_grad()
def log_likelihoods(model, rows, device):
    """For each (ids, first) the log-likelihood of each of ids[first:] given what precedes it."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
    out = [None] * len(rows)
    for at in range(0, len(order), 100):
        chosen = order[at : at + 100]
        width = max(len(rows[i][0]) for i in chosen)
        ids = torch.tensor([rows[i][0] + [0] * (width - len(rows[i][0])) for i in chosen])
        ids = ids.to(device)
        logits = F.log_softmax(model(ids[:, :-1]), -1)
        picked = logits.gather(-1, ids[:, 1:, None])[..., 0].cpu()
        for row, i in zip(picked, chosen):
            out[i] = row[rows[i][1] - 1 : len(rows[i][0]) - 1]
    return out


def item_rows(tokenizer, items):
    rows = []
    for item in items:
        context = tokenizer.encode(item["context"]).ids
        for ending in item["endings"]:
            whole = tokenizer.encode(item["context"] + ending).ids
            assert whole[: len(context)] == context
            rows.append((whole, len(context)))
    return rows


def mean_and_error(values):
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--items", type=int)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    a = parser.parse_args()
    tokenizer = tokenizers.Tokenizer.from_file(str(a.model / "tokenizer.json"))
    lines = (a.text / "items.jsonl").read_text(encoding="utf-8").splitlines()
    items = [json.loads(line) for line in lines][: a.items]
    texts = (a.text / "held-out.txt").read_text(encoding="utf-8").splitlines()[: a.items]
    rows = item_rows(tokenizer, items)
    text_rows = [(tokenizer.encode(text).ids, 1) for text in texts]
    base = llama.load(a.model).to(a.device)
    reference_right = reference_nll = None
    print("| scheme | accuracy | lost | perplexity | its log, more than bf16 |")
    print("|---|---|---|---|---|")
    for name, (weights, activations) in SCHEMES.items():
        model = quantized(base, weights, activations)
        sums = [float(part.sum()) for part in log_likelihoods(model, rows, a.device)]
        fours = [sums[i : i + 4] for i in range(0, len(sums), 4)]
        right = [int(max(s) == s[i["label"]]) for s, i in zip(fours, items)]
        parts = log_likelihoods(model, text_rows, a.device)
        tokens = sum(len(part) for part in parts)
        nll = [-float(part.sum()) * len(parts) / tokens for part in parts]
        reference_right, reference_nll = reference_right or right, reference_nll or nll
        mean, error = mean_and_error(right)
        lost, lost_error = mean_and_error([b - r for b, r in zip(reference_right, right)])
        log, _ = mean_and_error(nll)
        more, more_error = mean_and_error([n - b for n, b in zip(nll, reference_nll)])
        print(
            f"| {name} | {100 * mean:.1f} % ± {100 * error:.1f} "
            f"| {100 * lost:.1f} ± {100 * lost_error:.1f} | {math.exp(log):.3f} "
            f"| {more:.4f} ± {more_error:.4f} |"
        )
        by_kind = {}
        for item, hit in zip(items, right):
            by_kind.setdefault(item["kind"], []).append(hit)
        print("  ", {kind: round(sum(v) / len(v), 2) for kind, v in by_kind.items()}, flush=True)


if __name__ == "__main__":
    main()
