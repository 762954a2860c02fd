"""Expected logits and continuations of tiny models of every family, from transformers.

Usage: tiny_models.py DIR     (written with transformers 5.23.0, torch on the CPU, fp32, eager)

Weights are not stored: element i of tensor NAME is a function of both (values below), which
the tests repeat. A file holds config.json, the tensors' names and shapes as save_pretrained
writes them, input ids, logits of the last positions (fp32, little endian, hex) and the greedy
continuation.
"""
import json
import pathlib
import sys
import tempfile
import zlib

import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

TOKENS, LAST, NEW = 24, 6, 8
COMMON = dict(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
    bos_token_id=None, eos_token_id=None, pad_token_id=None, tie_word_embeddings=False)


def rope(kind, **more):
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=10000.0, **more))


MODELS = {
    "llama": ("Llama", dict(head_dim=16)),
    "llama-biases": ("Llama", dict(attention_bias=True, mlp_bias=True)),
    "llama-tied": ("Llama", dict(tie_word_embeddings=True, num_key_value_heads=4)),
    "llama-linear": ("Llama", rope("linear", factor=4.0)),
    "llama-llama3": ("Llama", dict(head_dim=16, **rope(
        "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=16))),
    "llama-yarn": ("Llama", dict(head_dim=32, **rope(
        "yarn", factor=4.0, original_max_position_embeddings=16))),
    "llama-yarn-mscale": ("Llama", dict(head_dim=32, **rope(
        "yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=16.0, beta_slow=2.0,
        mscale=0.8, mscale_all_dim=0.5))),
    "mistral": ("Mistral", dict(head_dim=16, sliding_window=48)),
    "qwen2": ("Qwen2", rope("default")),
    "qwen3": ("Qwen3", dict(head_dim=16)),
    "qwen3-biases": ("Qwen3", dict(head_dim=16, attention_bias=True)),
    "mixtral": ("Mixtral", dict(num_local_experts=4, num_experts_per_tok=2)),
    "qwen3-moe": ("Qwen3Moe", dict(
        head_dim=16, num_experts=6, num_experts_per_tok=3, moe_intermediate_size=16,
        norm_topk_prob=True)),
    "qwen3-moe-as-routed": ("Qwen3Moe", dict(
        head_dim=16, num_experts=6, num_experts_per_tok=2, moe_intermediate_size=16,
        norm_topk_prob=False)),
}


def values(name, shape):
    """Norms are 1 +- 0.25, all else is within 0.5; a hash of 32 bits (murmur3's finisher)."""
    count = int(np.prod(shape))
    h = np.arange(count, dtype=np.uint32) + np.uint32(zlib.crc32(name.encode()))
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    u = (h >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24) - np.float32(0.5)
    if name.endswith("norm.weight"):
        u = np.float32(1) + u * np.float32(0.5)
    return torch.from_numpy(u.reshape(shape).copy())


def make(name, family, options):
    config = getattr(transformers, family + "Config")(**{**COMMON, **options})
    ids = [1 + (7 * i * i + 3 * i) % 63 for i in range(TOKENS)]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model_class = getattr(transformers, family + "ForCausalLM")
        model_class(config).save_pretrained(folder)
        shapes = {}
        with safe_open(folder / "model.safetensors", "pt") as file:
            for tensor in sorted(file.keys()):
                shapes[tensor] = list(file.get_slice(tensor).get_shape())
        save_file({t: values(t, s) for t, s in shapes.items()}, folder / "model.safetensors",
                  metadata={"format": "pt"})
        model = model_class.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -LAST:].float().numpy()
            longer = list(ids)
            margin = float("inf")
            for _ in range(NEW):
                last = model(torch.tensor([longer])).logits[0, -1]
                best = last.topk(2).values
                margin = min(margin, float(best[0] - best[1]))
                longer.append(int(last.argmax()))
        written = json.loads((folder / "config.json").read_text())
    return dict(
        transformers=transformers.__version__, config=written, tensors=shapes, ids=ids,
        logits=logits.astype("<f4").tobytes().hex(), continuation=longer[TOKENS:],
        smallest_margin=margin)


def main():
    out = pathlib.Path(sys.argv[1])
    torch.manual_seed(0)
    for name, (family, options) in MODELS.items():
        result = make(name, family, options)
        print(name, result["smallest_margin"])
        (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


main()
