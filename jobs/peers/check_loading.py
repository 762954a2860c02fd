"""Quantizes checkpoints under every preset, verifies the outputs and opens each with transformers and compressed-tensors.

    check_loading.py --work DIR --output FILE.json --checkpoint DIR [--checkpoint DIR]...

For each checkpoint and scheme: what the shapes do not allow must be refused with exit code 2, before anything is
written, naming a module and a way out; everything else must quantize, pass `verify`, and give, in each reader of
open_checkpoint.py, the same weights bit for bit. Runs in the loading environment. Exit code 1 when anything differs.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

from open_checkpoint import check
from record import REPOSITORY, java_version, save, versions
from safetensors_file import header_bytes, read_checkpoint

NEEDS_CALIBRATION = {"FP8": "input_scale", "NVFP4": "input_global_scale"}
BLOCK = 128
# Scheme to the number of columns in a group, which must divide the rows of every weight; None = any shape.
SCHEMES = {
    "FP8": None, "FP8_DYNAMIC": None, "FP8_BLOCK": BLOCK, "W8A8": None,
    **{f"W{bits}A16": 128 for bits in range(2, 9)},
    "W4A16_ASYM": 128, "W4A8": 128, "W4AFP8": 128, "8DA4W": 32,
    "NVFP4A16": 16, "NVFP4": 16, "MXFP4A16": 32, "MXFP4": 32, "MXFP8A16": 32, "MXFP8": 32,
    "W4A16(group_size=64)": 64, "W4A16_ASYM(group_size=32)": 32, "W4A16(group_size=4)": 4, "W4A16(group_size=-1)": None,
    "W3A16(group_size=64)": 64, "W5A16(group_size=64)": 64, "W8A16(group_size=-1)": None,
    "W4A16_ASYM(group_size=-1)": None, "W4A8(group_size=64)": 64, "W4AFP8(group_size=64)": 64,
    "W8A8(symmetric=false)": None,
}
TARGET = REPOSITORY / "jobs" / "target"
CLASSPATH = ":".join(str(path) for path in (TARGET / "test-classes", TARGET / "classes", REPOSITORY / "quant-lib/target/classes",
                                           TARGET / "lib/*", *sorted(TARGET.glob("sparkao-jobs-*.jar"))))
DEEPSEEK = "FP8_BLOCK --layout deepseek"


def linear_weights(folder):
    """Name to shape of the weights that a quantizer takes by default: linear layers without the head."""
    return {name: entry.shape for name, entry in read_checkpoint(folder).items()
            if len(entry.shape) == 2 and name.endswith("_proj.weight")}


def calibration_file(path, weights, suffix):
    """Activation scales for schemes that need them: one value a layer, equal for modules that read the same input."""
    names, values = [], []
    for name in weights:
        layer = int(name.split(".layers.")[1].split(".")[0])
        kind = "attention" if ".q_proj" in name or ".k_proj" in name or ".v_proj" in name else name.split(".")[-2]
        kind = "mlp" if kind in ("gate_proj", "up_proj") else kind
        position = ("attention", "o_proj", "mlp", "down_proj").index(kind)
        names.append((f"{name.removesuffix('weight')}{suffix}", "F32", (1,)))
        values.append((1.0 + 0.125 * position + layer / 64.0) * (0.01 if suffix == "input_scale" else 100.0))
    header, _ = header_bytes(names)
    Path(path).write_bytes(header + np.array(values, "<f4").tobytes())


class Commands:
    """Command lines of the launcher, run one after the other in one JVM (CommandStream of the tests of jobs)."""

    def __init__(self, log):
        self.log = log
        options = (TARGET / "jvm.options").read_text().split()
        self.process = subprocess.Popen(
            ["java", *options, "-Xmx3g", f"-Dlog4j2.configurationFile={REPOSITORY / 'conf' / 'log4j2.properties'}", "-cp",
             CLASSPATH, "org.sparkao.jobs.cli.CommandStream"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(log.with_suffix(".stderr"), "w"), text=True)

    def __call__(self, *arguments):
        """(exit code, output) of one command line."""
        self.process.stdin.write(json.dumps([str(argument) for argument in arguments]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the JVM ended; see {self.log.with_suffix('.stderr')}")
        answer = json.loads(line)
        with open(self.log, "a") as file:
            file.write(f"$ {' '.join(map(str, arguments))}\n{answer['output']}\nexit code {answer['code']}\n")
        return answer["code"], answer["output"]


class Check:
    """All steps of one run of this script."""

    def __init__(self, options):
        self.work = Path(options.work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.output, self.tables = self.work / "output", self.work / "tables"
        shutil.rmtree(self.tables, ignore_errors=True)
        self.commands = Commands(self.work / "commands.log")

    def quantize(self, checkpoint, scheme, extra=()):
        """Runs the job into an empty output folder."""
        shutil.rmtree(self.output, ignore_errors=True)
        name, *options = scheme.split(" ")
        return self.commands("quantize", "--checkpoint", checkpoint, "--output", self.output, "--scheme", name,
                             "--tables", self.tables, *options, *extra)

    def refused(self, checkpoint, scheme, words, extra=()):
        """A row for a refusal: exit code 2, the words in the message, nothing written."""
        code, text = self.quantize(checkpoint, scheme, extra)
        missing = [word for word in words if word not in text]
        left = self.output.exists() and any(self.output.iterdir())
        verdict = "refused as expected" if code == 2 and not missing and not left else (
            f"exit code {code}, words missing {missing}, output {'written' if left else 'absent'}")
        lines = [line for line in text.splitlines() if any(word in line for word in words)]
        return {"verdict": verdict, "message": "\n".join(lines)[:1500]}

    def accepted(self, checkpoint, scheme, extra=()):
        """A row for an output that loads."""
        code, text = self.quantize(checkpoint, scheme, extra)
        if code != 0:
            return {"verdict": f"quantize ended with exit code {code}", "message": text[-1500:]}
        code, text = self.commands("verify", "--checkpoint", self.output)
        verify = {"verify": "ok"} if code == 0 else {"verify": f"exit code {code}", "message": text[-1500:].replace(str(self.work), "WORK")}
        ours = self.work / "ours.safetensors"
        ours.unlink(missing_ok=True)
        result = subprocess.run(["java", "-cp", CLASSPATH, "org.sparkao.jobs.peers.DequantizeCheckpoint", self.output, ours],
                                capture_output=True, text=True)
        if result.returncode != 0:
            return {"verdict": "DequantizeCheckpoint failed", "message": result.stderr[-1500:]}
        row = check(self.output, ours, checkpoint)
        fine = all(value in ("equal", "runs") for value in row.values() if isinstance(value, str))
        return {"verdict": "opens" if fine else "see readers", **verify, **row}

    def one(self, checkpoint, scheme, group):
        """The row of a checkpoint under a scheme, expectation derived from the shapes alone."""
        weights = linear_weights(checkpoint)
        name = scheme.split("(")[0].split(" ")[0]
        extra = []
        if group and any(shape[1] % group for shape in weights.values()):
            offenders = [weight for weight, shape in weights.items() if shape[1] % group]
            modules = {".".join(weight.split(".")[-3:-1]) for weight in offenders}
            return self.refused(checkpoint, scheme, sorted(modules)[:1] + [str(group)])
        if name in NEEDS_CALIBRATION:
            refusal = self.refused(checkpoint, scheme, ["--calibration"])
            if refusal["verdict"] != "refused as expected":
                return refusal
            file = self.work / "calibration.safetensors"
            calibration_file(file, weights, NEEDS_CALIBRATION[name])
            extra = ["--calibration", file]
        row = {**self.accepted(checkpoint, scheme, extra), "verify_must_say": verify_must_say(scheme, weights)}
        return {**row, "without_calibration": refusal["message"]} if extra else row


def good(row):
    """Whether a row is as it must be, the limits of the readers themselves allowed for."""
    scheme = row["scheme"]
    if row["verdict"] == "refused as expected":
        return True
    reason = row.get("verify_must_say")
    if row.get("verify") != "ok" if reason is None else reason not in row.get("message", ""):
        return False
    if row["verdict"] == "opens":
        return True
    bad = [reader for reader in READERS if row.get(reader, "equal") not in ("equal", "runs")]
    return row["verdict"] == "see readers" and all(reader in READER_LIMITS.get(scheme.split("(")[0], ()) for reader in bad)


READERS = ("ours_and_numpy", "compressed_tensors", "transformers_dequantized", "transformers_as_is")
# What a reader cannot do with any file of that scheme, llm-compressor's own included (see README.md).
READER_LIMITS = {"W4A16_ASYM": ("transformers_as_is",)}


def verify_must_say(scheme, weights):
    """Why vLLM has no kernel for what the readers here open, so that `verify` must say no; None when it has one."""
    if scheme == "W4AFP8(group_size=64)":
        return "4-bit weights under FP8 activations that are not symmetric groups of 128"
    fused = re.compile(r"\.(q|k|v|gate|up)_proj\.weight$")
    if scheme.startswith("FP8_BLOCK") and any(fused.search(name) and shape[0] % 128 for name, shape in weights.items()):
        return "are not whole blocks of 128"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", action="append", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--output", required=True, help="JSON result")
    parser.add_argument("--scheme", action="append", help="only these")
    options = parser.parse_args()
    if not (TARGET / "lib").exists() or not (TARGET / "test-classes/org/sparkao/jobs/peers/DequantizeCheckpoint.class").exists():
        sys.exit("the project or its tests are not compiled: run `mvn -q package -DskipTests` in the repository")
    warnings.simplefilter("ignore")
    checks = Check(options)
    rows, failed = [], 0
    for checkpoint in options.checkpoint:
        if not (Path(checkpoint) / "config.json").exists():
            sys.exit(f"{checkpoint} is no checkpoint: config.json is missing")
        for scheme, group in {**SCHEMES, DEEPSEEK: BLOCK}.items():
            if options.scheme and scheme not in options.scheme:
                continue
            row = {"checkpoint": Path(checkpoint).name, "scheme": scheme, **checks.one(Path(checkpoint).resolve(), scheme, group)}
            row["good"] = good(row)
            failed += not row["good"]
            rows.append(row)
            print(("ok   " if row["good"] else "FAIL ") + json.dumps({key: value for key, value in row.items() if key != "good"}), flush=True)
    save(options.output, {"check": "every checkpoint under every preset, opened by independent readers", "failed": failed,
                          "java": java_version(),
                          "versions": versions(sys.executable, "torch", "transformers", "compressed-tensors", "numpy"), "rows": rows})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
