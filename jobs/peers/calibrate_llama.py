"""Times `calibrate --hessian` and `quantize --algorithm gptq` on the shapes of Llama-3.1 8B with random weights, on one GPU.

Makes the checkpoint (some 16 GB), its second moments (1 GB a block) and the quantized checkpoint (some 6 GB) in --work, which
is best a file system in memory, and takes each away when nothing needs it any more. Wall clock from command to end, the start
of Spark included. The output of quantize is read by `verify`.
"""

import argparse
import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import make_checkpoint


class GpuMemory:
    """The most memory in use of a visible GPU while it is open, in MiB, as nvidia-smi sees it, other processes included."""

    def __enter__(self):
        self.most = 0
        query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--loop-ms=250"]
        if visible := os.environ.get("CUDA_VISIBLE_DEVICES"):
            query.append(f"--id={visible}")
        self.process = subprocess.Popen(query, stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        return self

    def read(self):
        for line in self.process.stdout:
            self.most = max(self.most, int(line))

    def __exit__(self, *_):
        self.process.terminate()
        self.thread.join()


def timed(command, log):
    """Seconds and peak of GPU memory of a command, which must end well."""
    start = time.monotonic()
    with GpuMemory() as memory, open(log, "w") as file:
        code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    if code != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {code}\n" + Path(log).read_text()[-4000:])
    return {"seconds": round(time.monotonic() - start, 1), "gpu_mib": memory.most}


def tokens_of(folder):
    """How many tokens a tokenizer has: the tables' rows, as a model's and its tokenizer's must agree. No block depends on it."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    return max(*tokenizer["model"]["vocab"].values(), *(token["id"] for token in tokenizer["added_tokens"])) + 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder with room for 60 GB")
    parser.add_argument("--launcher", default=str(Path(__file__).resolve().parents[1] / "bin" / "sparkao"))
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json and tokenizer_config.json")
    parser.add_argument("--text", required=True, help="of at least samples x sequence-length tokens")
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--sequence-length", type=int, default=2048)
    parser.add_argument("--scheme", default="W4A16")
    parser.add_argument("--output", required=True, help="JSON")
    options = parser.parse_args()
    work, processes = options.work, os.cpu_count()
    *shape, _ = make_checkpoint.SIZES["8b"]
    shape[4], shape[5] = options.layers, tokens_of(options.tokenizer)
    start = time.monotonic()
    model = work / "model"
    tensors, config = make_checkpoint.llama_tensors(*shape), make_checkpoint.llama_config(*shape)
    total = make_checkpoint.write(model, tensors, options.layers + 2, config, 20261130, processes=processes)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(options.tokenizer / name, model)
    figures = {"layers": options.layers, "samples": options.samples, "sequence_length": options.sequence_length,
               "scheme": options.scheme, "checkpoint_bytes": total, "cores": processes,
               "make_seconds": round(time.monotonic() - start, 1)}
    print(json.dumps(figures), flush=True)
    common = ["--device", "cuda", "--tables", str(work / "tables")]
    figures["calibrate"] = timed(
        [options.launcher, "calibrate", "--checkpoint", str(model), "--data", options.text, "--samples", str(options.samples),
         "--sequence-length", str(options.sequence_length), "--hessian", "--output", str(work / "calibration"), *common],
        work / "calibrate.txt")
    print(json.dumps(figures["calibrate"]), flush=True)
    figures["quantize"] = timed(
        [options.launcher, "quantize", "--checkpoint", str(model), "--output", str(work / "quantized"), "--scheme", options.scheme,
         "--algorithm", "gptq", "--calibration", str(work / "calibration"), *common], work / "quantize.txt")
    print(json.dumps(figures["quantize"]), flush=True)
    shutil.rmtree(work / "calibration")
    shutil.rmtree(model)
    figures["both_seconds"] = round(figures["calibrate"]["seconds"] + figures["quantize"]["seconds"], 1)
    Path(options.output).write_text(json.dumps(figures, indent=2) + "\n")
    timed([options.launcher, "verify", "--checkpoint", str(work / "quantized")], work / "verify.txt")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
