"""Shows that the heap of an executor slot does not grow with a tensor: one tensor of 8 GB, a JVM capped far below it.

    check_slot_memory.py --work DIR --output FILE.json

The job runs in `local[1]`: driver, Spark and the one slot share a JVM, whose -Xmx of 512 MB (direct buffers have a
cap of the same size) is therefore more than the slot can have; the collector's log adds how much was alive. Each scheme has another
way to read the tensor: by row, by block, by group, and with a first pass over the whole tensor (FP8 would need
calibration; NVFP4A16 has the same pass).
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import numpy as np

from record import REPOSITORY, java_version, measure, save
from safetensors_file import header_bytes

ROWS, COLUMNS = 131072, 32768
BLOCK_ROWS = 1024
HEAP = "512m"
SCHEMES = ["FP8_DYNAMIC", "FP8_BLOCK", "W4A16", "W4A16_ASYM", "NVFP4A16", "MXFP8A16"]


def write_tensor(path, seed):
    """A bare file with one bf16 weight of ROWS x COLUMNS: a seeded block, another rotation of it in each band of rows."""
    random = np.random.Generator(np.random.SFC64(seed))
    values = random.standard_normal(BLOCK_ROWS * COLUMNS, np.float32) * np.float32(0.02)
    block = (values.view(np.uint32) >> 16).astype(np.uint16)
    header, size = header_bytes([("model.layers.0.mlp.down_proj.weight", "BF16", (ROWS, COLUMNS))])
    with open(path, "wb") as file:
        file.write(header)
        for band in range(ROWS // BLOCK_ROWS):
            np.roll(block, band * 7919).tofile(file)
    return size


def heap_figures(log):
    """(largest heap before a collection, largest after one) in MB from -Xlog:gc lines."""
    pairs = [tuple(map(int, pair)) for pair in re.findall(r"(\d+)M->(\d+)M\(\d+M\)", Path(log).read_text())]
    return (max((before for before, _ in pairs), default=None), max((after for _, after in pairs), default=None))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", required=True, help="folder with 20 GB free")
    parser.add_argument("--output", required=True, help="JSON result")
    parser.add_argument("--launcher", default=str(REPOSITORY / "jobs" / "bin" / "sparkao"))
    parser.add_argument("--scheme", action="append")
    options = parser.parse_args()
    if not Path(options.launcher).exists():
        sys.exit(f"{options.launcher} is missing; build the project first (README.md of the repository)")
    work = Path(options.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(work).free < 20e9:
        sys.exit(f"{work} has less than 20 GB free")
    source = work / "one-tensor.safetensors"
    size = write_tensor(source, 20261122)
    print(f"{source.name}: {size / 1e9:.2f} GB in one tensor", flush=True)
    rows = []
    for scheme in options.scheme or SCHEMES:
        gc_log = work / "gc.log"
        gc_log.unlink(missing_ok=True)
        shutil.rmtree(work / "output", ignore_errors=True)
        environment = {"SPARKAO_MEMORY": HEAP, "SPARKAO_JAVA_OPTS": f"-Xlog:gc:file={gc_log}"}
        result = measure([options.launcher, "quantize", "--master", "local[1]", "--checkpoint", source, "--output", work / "output",
                          "--scheme", scheme, "--tables", work / "tables"], work / "run.log", environment)
        before, after = heap_figures(gc_log) if gc_log.exists() else (None, None)
        rows.append({"scheme": scheme, **result.row(), "heap_before_collection_mb": before, "heap_after_collection_mb": after})
        print(rows[-1], flush=True)
        if result.exit_code != 0:
            print(result.log[-2000:])
    shutil.rmtree(work / "output", ignore_errors=True)
    source.unlink()
    save(options.output, {"check": "heap of an executor slot with a tensor of 8 GB", "method": " ".join(__doc__.split()), "java": java_version(),
                          "tensor_bytes": size, "heap_cap": HEAP, "rows": rows})
    return 0 if all(row["exit_code"] == 0 for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
