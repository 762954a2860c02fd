"""Reads and writes safetensors as raw bytes; needs numpy alone, knows every dtype tag used here."""

import json
from pathlib import Path

import numpy as np

INDEX = "model.safetensors.index.json"
DTYPE_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "I32": 4,
               "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "F8_E4M3": "u1", "F8_E5M2": "u1",
         "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "u1"}


class Entry:
    """One tensor of a file: its dtype tag, shape and absolute byte range."""

    def __init__(self, path, dtype, shape, begin, end):
        self.path, self.dtype, self.shape, self.begin, self.end = path, dtype, tuple(shape), begin, end

    def read(self):
        """The elements; BF16 as uint16 bits, fp8 as uint8 codes."""
        with open(self.path, "rb") as file:
            file.seek(self.begin)
            return np.fromfile(file, NUMPY[self.dtype], int(np.prod(self.shape, dtype=np.int64))).reshape(self.shape)


def read_header(path):
    """Name to Entry of one file."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    base = 8 + length
    return {name: Entry(path, item["dtype"], item["shape"], base + item["data_offsets"][0], base + item["data_offsets"][1])
            for name, item in header.items()}


def read_checkpoint(folder):
    """Name to Entry of all *.safetensors files of a checkpoint folder."""
    folder = Path(folder)
    if (folder / INDEX).exists():
        weight_map = json.loads((folder / INDEX).read_text())["weight_map"]
        files = sorted(set(weight_map.values()))
    else:
        weight_map, files = None, sorted(path.name for path in folder.glob("*.safetensors"))
    entries = {}
    for name in files:
        entries.update(read_header(folder / name))
    if weight_map is not None and set(weight_map) != set(entries):
        raise ValueError(f"{folder / INDEX} and the files differ: {sorted(set(weight_map) ^ set(entries))[:5]}")
    return entries


def header_bytes(tensors):
    """The length prefix and JSON of a file with `tensors`, a list of (name, dtype, shape), in this order."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, dtype, shape in tensors:
        size = DTYPE_BYTES[dtype]
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, offset
