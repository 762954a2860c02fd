"""Opens one quantized checkpoint with transformers and compressed-tensors and compares the weights they dequantize.

Runs in the loading environment:

    open_checkpoint.py CHECKPOINT [--ours FILE.safetensors] [--source CHECKPOINT]

Opinions on every quantized weight: numpy (dequantize.py), compressed-tensors' own decompression, transformers loading
with `dequantize=True`, and, with --ours, sparkao's. Then transformers opens the checkpoint as a user does, without
options, and runs it once.
"""

import argparse
import json
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import torch

from dequantize import args_of, dequantized_weights
from safetensors_file import read_checkpoint, read_header

TORCH = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32, "F8_E4M3": torch.float8_e4m3fn,
         "I64": torch.int64, "I32": torch.int32, "I8": torch.int8, "U8": torch.uint8}
PROBE = [[1, 5, 9, 33, 77, 120, 255, 14]]


def bits(tensor):
    """The bytes of a torch or numpy array of float elements, for exact comparison."""
    if isinstance(tensor, torch.Tensor):
        width = {2: torch.int16, 4: torch.int32}[tensor.element_size()]
        return tensor.detach().contiguous().view(width).numpy()
    return np.ascontiguousarray(tensor).view({2: np.int16, 4: np.int32}[tensor.dtype.itemsize])


def decompressed(folder):
    """Weight name to tensor, by compressed-tensors' own compressor of the module's format."""
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

    config = json.loads((Path(folder) / "config.json").read_text())["quantization_config"]
    entries = read_checkpoint(folder)
    for name in sorted(entries):
        module, _, suffix = name.rpartition(".")
        if suffix != "weight_scale":
            continue
        weights = args_of(config, module)
        group = next(group for group in config["config_groups"].values() if group["weights"] is weights)
        scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**weights))
        state = {other.rpartition(".")[2]: torch.from_numpy(entry.read().copy()).view(TORCH[entry.dtype])
                 for other, entry in entries.items() if other.rpartition(".")[0] == module}
        state = {key: value for key, value in state.items() if key.startswith("weight")}
        compressor = BaseCompressor.get_value_from_registry(group.get("format") or config["format"])
        yield f"{module}.weight", compressor.decompress(state, scheme)["weight"]


def loading_options(folder):
    """What from_pretrained needs to dequantize at load time."""
    config = json.loads((Path(folder) / "config.json").read_text())["quantization_config"]
    if config["quant_method"] == "compressed-tensors":
        from transformers import CompressedTensorsConfig

        return {"quantization_config": CompressedTensorsConfig(dequantize=True)}
    from transformers import FineGrainedFP8Config

    return {"quantization_config": FineGrainedFP8Config(dequantize=True)}


class _Warnings(logging.Handler):
    """Collects what transformers warns about while it loads."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def load(folder, options):
    """(model, warnings, {kind: keys that did not fit}) of transformers."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as transformers_logging

    collector = _Warnings()
    transformers_logging.get_logger().addHandler(collector)
    try:
        model, info = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", output_loading_info=True, **options)
    finally:
        transformers_logging.get_logger().removeHandler(collector)
    misfits = {kind: sorted(map(str, keys)) for kind, keys in info.items() if keys and kind.endswith("keys")}
    return model, collector.lines, misfits


def compare(expected, actual):
    """None when bit-equal, else what differs; both map a weight's name to its elements."""
    missing = sorted(set(expected) - set(actual))
    if missing:
        return f"{len(missing)} weights are missing, first {missing[0]}"
    for name in sorted(expected):
        mine, other = expected[name], actual[name]
        if tuple(mine.shape) != tuple(other.shape):
            return f"{name}: shape {tuple(mine.shape)} and {tuple(other.shape)}"
        if bits(mine).dtype != bits(other).dtype:
            return f"{name}: dtypes differ in width"
        different = int((bits(mine) != bits(other)).sum())
        if different:
            return f"{name}: {different} of {mine.size} elements differ"
    return None


def attempt(action):
    """(value, None) or (None, the error in one line)."""
    try:
        return action(), None
    except Exception as error:  # a reader's refusal is a result that is recorded
        return None, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]


def check(folder, ours=None, source=None):
    """The row of results of one checkpoint; every opinion is "equal" or says what is wrong."""
    reference = {name: elements for name, elements, _ in dequantized_weights(folder)}
    row = {"quantized_weights": len(reference)}
    config = json.loads((Path(folder) / "config.json").read_text())["quantization_config"]
    if ours is not None:
        mine = {name: entry.read() for name, entry in read_header(ours).items()}
        row["ours_and_numpy"] = compare(reference, mine) or "equal"
        reference = mine
    if config["quant_method"] == "compressed-tensors":
        tensors, error = attempt(lambda: dict(decompressed(folder)))
        row["compressed_tensors"] = error or compare(reference, cast(tensors, reference)) or "equal"
    loaded, error = attempt(lambda: load(folder, loading_options(folder)))
    row["transformers_dequantized"] = error or weights_verdict(loaded, reference, source)
    loaded, error = attempt(lambda: run(folder))
    row["transformers_as_is"] = error or loaded
    return row


def cast(tensors, reference):
    """The dtype step that transformers adds: compressed-tensors decompresses fp4 to bf16, whatever the model's dtype."""
    widths = {2: torch.bfloat16, 4: torch.float32}
    return {name: tensor if tensor.element_size() == reference[name].dtype.itemsize
            else tensor.to(widths[reference[name].dtype.itemsize]) for name, tensor in tensors.items()}


def weights_verdict(loaded, reference, source):
    """Compares all weights of a loaded model: quantized ones with the reference, the others with the source."""
    model, _, misfits = loaded
    # A model that is dense after loading has no place for the scales of activations; transformers ignores them.
    misfits = {kind: [key for key in keys if not key.endswith(("input_scale", "input_global_scale"))] for kind, keys in misfits.items()}
    if any(misfits.values()):
        return f"keys do not fit: {misfits}"[:300]
    state = model.state_dict()
    difference = compare(reference, state)
    if difference or source is None:
        return difference or "equal"
    untouched = {name: entry.read() for name, entry in read_checkpoint(source).items()
                 if name not in reference and name in state}
    return compare(untouched, state) or "equal"


def run(folder):
    """Loads without options and runs a forward pass."""
    model, _, misfits = load(folder, {})
    if misfits:
        return f"keys do not fit: {misfits}"[:300]
    with torch.no_grad():
        logits = model(torch.tensor(PROBE) % model.config.vocab_size).logits
    return "runs" if bool(torch.isfinite(logits).all()) else "logits are not finite"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--ours", help="safetensors file of the weights as sparkao dequantizes them")
    parser.add_argument("--source", help="the checkpoint before quantization, to compare what was left unquantized")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    row = check(options.checkpoint, options.ours, options.source)
    print(json.dumps(row))
    return 0 if all(value in ("equal", "runs") for value in row.values() if isinstance(value, str)) else 1


if __name__ == "__main__":
    sys.exit(main())
