"""Dequantizes a compressed-tensors or DeepSeek checkpoint with numpy alone, written from the format descriptions.

An opinion that depends neither on sparkao nor on compressed-tensors:

    dequantize.py CHECKPOINT OUTPUT.safetensors
"""

import json
import re
import sys
from pathlib import Path

import numpy as np

from safetensors_file import header_bytes, read_checkpoint

TORCH_DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}


def e4m3_values():
    """float32 value of every e4m3fn code."""
    codes = np.arange(256)
    exponent, mantissa = (codes >> 3) & 15, codes & 7
    values = np.where(exponent == 0, mantissa * 2.0**-9, (8 + mantissa) * 2.0 ** (exponent - 10.0))
    values[(codes & 0x7F) == 0x7F] = np.nan
    return np.where(codes & 0x80, -values, values).astype(np.float32)


E4M3 = e4m3_values()
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def to_float(array, dtype):
    """Elements as float32; exact for every dtype here."""
    if dtype == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    if dtype == "F8_E4M3":
        return E4M3[array]
    return array.astype(np.float32)


def round_to(values, dtype):
    """float32 to the elements of `dtype`, nearest even; BF16 as uint16 bits."""
    if dtype == "F32":
        return values
    if dtype == "F16":
        return values.astype(np.float16)
    bits = np.ascontiguousarray(values).view(np.uint32)
    rounded = ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype(np.uint16)
    return np.where(np.isnan(values), np.uint16(0x7FC0), rounded)


def unpack(words, bits, count):
    """Signed codes of a little-endian bit stream of int32 words along the last axis."""
    stream = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")
    stream = stream[..., : count * bits].reshape(*words.shape[:-1], count, bits)
    unsigned = (stream.astype(np.int16) << np.arange(bits, dtype=np.int16)).sum(-1, dtype=np.int16)
    return unsigned - (1 << (bits - 1))


def unpack_nibbles(packed):
    """e2m1 values of bytes, the even column in the low nibble."""
    return E2M1[np.stack([packed & 15, packed >> 4], -1).reshape(packed.shape[0], -1)]


def spread(scale, shape, block=None):
    """Repeats scales [a, b] over a weight [N, K]; `block` = (rows, columns) under one scale where edges may be cut off."""
    if scale.size == 1:
        return scale.reshape(1, 1)
    rows, columns = block or tuple(size // count for size, count in zip(shape, scale.shape))
    if (-(-shape[0] // rows), -(-shape[1] // columns)) != scale.shape:
        raise ValueError(f"scales {scale.shape} do not cover a weight {shape} in blocks of {rows} x {columns}")
    return scale[np.arange(shape[0]) // rows][:, np.arange(shape[1]) // columns]


def args_of(config, module):
    """Weight arguments of the config group that quantizes `module`, by the readers' target rules."""
    for group in config.get("config_groups", {}).values():
        for target in group["targets"]:
            if target == "Linear" or target == module or (target.startswith("re:") and re.match(target[3:], module)):
                return group["weights"]
    raise ValueError(f"{module}: no config group targets it")


def dequantize(part, args, dtype):
    """One weight from its tensors: `part` maps a suffix such as weight_scale to (elements, dtype tag)."""
    if "weight_packed" in part:
        packed, tag = part["weight_packed"]
        if tag == "U8":
            return _fp4(part, packed, dtype)
        shape = tuple(int(size) for size in part["weight_shape"][0])
        codes = unpack(packed, args["num_bits"], shape[1])
        if "weight_zero_point" in part:
            zero = unpack(part["weight_zero_point"][0].T, args["num_bits"], shape[0]).T
            codes = codes - spread(zero, shape)
        codes = codes.astype(np.float32)
    else:
        elements, tag = part["weight"]
        shape, codes = elements.shape, to_float(elements, tag)
        if "weight_zero_point" in part:
            codes = codes - spread(part["weight_zero_point"][0].astype(np.float32), shape)
    scale, tag = part.get("weight_scale_inv") or part["weight_scale"]
    if tag == "U8":
        return round_to(codes * spread(np.exp2(scale.astype(np.float32) - 127), shape), dtype)
    block = tuple(args.get("block_structure") or ()) or None
    return round_to(codes * spread(to_float(scale, tag), shape, block), dtype if "weight_scale_inv" in part else tag)


def _fp4(part, packed, dtype):
    scale, tag = part["weight_scale"]
    if "weight_global_scale" in part:
        effective = to_float(scale, tag) / part["weight_global_scale"][0]
    else:
        effective = np.exp2(scale.astype(np.float32) - 127)
    codes = unpack_nibbles(packed)
    return round_to(codes * spread(effective, codes.shape), dtype)


def model_dtype(config):
    """Tag of the dtype of the unquantized weights."""
    return TORCH_DTYPES[config.get("torch_dtype") or config.get("dtype")]


def dequantized_weights(folder):
    """(weight name, elements, dtype tag) of every quantized weight of a checkpoint."""
    config = json.loads((Path(folder) / "config.json").read_text())
    entries = read_checkpoint(folder)
    for name in sorted(entries):
        module, _, suffix = name.rpartition(".")
        if suffix not in ("weight_scale", "weight_scale_inv"):
            continue
        parts = {other: entries[f"{module}.{other}"] for other in
                 ("weight", "weight_packed", "weight_shape", "weight_scale", "weight_scale_inv", "weight_global_scale",
                  "weight_zero_point") if f"{module}.{other}" in entries}
        part = {other: (entry.read(), entry.dtype) for other, entry in parts.items()}
        quantization = config["quantization_config"]
        if suffix == "weight_scale_inv":
            args = {"block_structure": quantization["weight_block_size"]}
        else:
            args = args_of(quantization, module)
        dtype = model_dtype(config)
        if "weight_packed" not in part and part.get("weight_scale", (None, "U8"))[1] != "U8":
            dtype = part["weight_scale"][1]
        elif "weight_shape" in part:
            dtype = part["weight_scale"][1]
        yield f"{module}.weight", dequantize(part, args, dtype), dtype


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    tensors = list(dequantized_weights(sys.argv[1]))
    header, _ = header_bytes([(name, dtype, elements.shape) for name, elements, dtype in tensors])
    with open(sys.argv[2], "wb") as file:
        file.write(header)
        for _, elements, _ in tensors:
            np.ascontiguousarray(elements).tofile(file)


if __name__ == "__main__":
    main()
