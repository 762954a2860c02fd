"""Writes a synthetic Llama checkpoint in bf16, the same bytes for the same seed.

Shapes are those of real models; half of the layers have normal weights, the others heavy tails (a log-normal
scale mixture) with a few outlier columns. `--headers-only` leaves the data sparse: a 1.5 TB checkpoint takes
as much disk as its headers.
"""

import argparse
import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from safetensors_file import INDEX, header_bytes

SIZES = {
    # hidden, intermediate, heads, key/value heads, layers, vocabulary, tied embeddings, shards
    "2gb": (2048, 8192, 32, 8, 16, 32000, True, 4),
    "10gb": (4096, 14336, 32, 8, 22, 32000, False, 8),
    "8b": (4096, 14336, 32, 8, 32, 128256, False, 34),
    "100mb": (1024, 4096, 16, 4, 3, 4096, True, 2),
}
VALUES_A_BLOCK = 1 << 22


def llama_tensors(hidden, intermediate, heads, kv_heads, layers, vocabulary, tied):
    """(name, shape) in the order of the file."""
    kv = hidden // heads * kv_heads
    tensors = [("model.embed_tokens.weight", (vocabulary, hidden))]
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        tensors += [
            (prefix + "input_layernorm.weight", (hidden,)),
            (prefix + "self_attn.q_proj.weight", (hidden, hidden)),
            (prefix + "self_attn.k_proj.weight", (kv, hidden)),
            (prefix + "self_attn.v_proj.weight", (kv, hidden)),
            (prefix + "self_attn.o_proj.weight", (hidden, hidden)),
            (prefix + "post_attention_layernorm.weight", (hidden,)),
            (prefix + "mlp.gate_proj.weight", (intermediate, hidden)),
            (prefix + "mlp.up_proj.weight", (intermediate, hidden)),
            (prefix + "mlp.down_proj.weight", (hidden, intermediate)),
        ]
    tensors.append(("model.norm.weight", (hidden,)))
    if not tied:
        tensors.append(("lm_head.weight", (vocabulary, hidden)))
    return tensors


def mixture_tensors(experts, hidden, intermediate, layers, vocabulary):
    """(name, shape) of a mixture of experts, one tensor an expert: about 90,000 tensors and 1.5 TB in bf16."""
    tensors = [("model.embed_tokens.weight", (vocabulary, hidden))]
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        tensors += [(prefix + name + ".weight", (hidden,)) for name in ("input_layernorm", "post_attention_layernorm")]
        tensors += [(prefix + f"self_attn.{part}_proj.weight", (rows, hidden))
                    for part, rows in (("q", hidden), ("k", 1024), ("v", 1024), ("o", hidden))]
        tensors.append((prefix + "mlp.gate.weight", (experts, hidden)))
        for expert in range(experts):
            base = prefix + f"mlp.experts.{expert}."
            tensors += [(base + "gate_proj.weight", (intermediate, hidden)), (base + "up_proj.weight", (intermediate, hidden)),
                        (base + "down_proj.weight", (hidden, intermediate))]
    return tensors + [("model.norm.weight", (hidden,)), ("lm_head.weight", (vocabulary, hidden))]


def to_bf16(values):
    """float32 to bf16 bits, nearest even (finite input)."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def weights(name, shape, seed):
    """bf16 bits of a tensor, block by block."""
    random = np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode())]))
    if len(shape) == 1:
        yield to_bf16((1 + 0.1 * random.standard_normal(shape[0], np.float32)).astype(np.float32))
        return
    rows, columns = shape
    heavy = zlib.crc32(name.encode()) % 2 == 1
    gain = np.where(random.random(columns) < 0.002, 12.0, 1.0).astype(np.float32)
    step = max(1, VALUES_A_BLOCK // columns)
    for begin in range(0, rows, step):
        count = min(step, rows - begin)
        block = random.standard_normal((count, columns), np.float32) * np.float32(0.02)
        if heavy:
            block *= np.exp(np.float32(0.5) * random.standard_normal((count, columns), np.float32))
            block *= gain
        yield to_bf16(block)


def split(tensors, shards):
    """Consecutive tensors into `shards` files of about equal size."""
    sizes = [2 * int(np.prod(shape, dtype=np.int64)) for _, shape in tensors]
    target, groups, filled = sum(sizes) / shards, [[]], 0
    for tensor, size in zip(tensors, sizes):
        if groups[-1] and filled + size / 2 > target * len(groups) and len(groups) < shards:
            groups.append([])
        groups[-1].append(tensor)
        filled += size
    return groups


def write_shard(path, tensors, seed, headers_only):
    """Writes one file; returns the bytes of its tensors."""
    header, size = header_bytes([(tensor, "BF16", shape) for tensor, shape in tensors])
    with open(path, "wb") as file:
        file.write(header)
        if headers_only:
            file.truncate(len(header) + size)
        else:
            for tensor, shape in tensors:
                for block in weights(tensor, shape, seed):
                    block.tofile(file)
    return size


def write(folder, tensors, shards, config, seed, headers_only=False, processes=1):
    """Writes the whole checkpoint folder, the same bytes by any number of processes; returns those of its tensors."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    groups = split(tensors, shards)
    names = [f"model-{number:05d}-of-{len(groups):05d}.safetensors" for number in range(1, len(groups) + 1)]
    weight_map = {tensor: name for name, group in zip(names, groups) for tensor, _ in group}
    with ProcessPoolExecutor(processes) as pool:
        total = sum(pool.map(write_shard, [folder / name for name in names], groups, [seed] * len(groups), [headers_only] * len(groups)))
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}))
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    return total


def llama_config(hidden, intermediate, heads, kv_heads, layers, vocabulary, tied):
    """config.json of the tensors of llama_tensors."""
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": hidden,
            "intermediate_size": intermediate, "num_attention_heads": heads, "num_key_value_heads": kv_heads,
            "num_hidden_layers": layers, "vocab_size": vocabulary, "tie_word_embeddings": tied,
            "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "torch_dtype": "bfloat16"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="must not exist")
    parser.add_argument("--size", choices=sorted(SIZES), default="2gb")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--layers", type=int, help="fewer or more than the size has")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--headers-only", action="store_true")
    options = parser.parse_args()
    *shape, shards = SIZES[options.size]
    shape[4] = options.layers or shape[4]
    total = write(options.folder, llama_tensors(*shape), shards, llama_config(*shape), options.seed, options.headers_only,
                  options.processes)
    print(f"{options.folder}: {total / 1e9:.2f} GB in {shards} files, seed {options.seed}")


if __name__ == "__main__":
    main()
