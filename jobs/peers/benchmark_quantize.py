"""Times sparkao against llm-compressor's model_free_ptq and against copying the checkpoint; alternating, medians.

    benchmark_quantize.py peers --checkpoint DIR --work DIR --peer-python PYTHON --output FILE.json
    benchmark_quantize.py copy  --checkpoint DIR --work DIR --output FILE.json

`peers`: both tools on the same checkpoint and cores, start of Python and of the JVM included, the caches dropped
before each cold run and the checkpoint read once before each warm run; a run ends when the disk has its output.
The peer runs with each of --peer-workers (max_workers) and its fastest setting counts.
`copy`: `cp` and `sync` of the checkpoint against `quantize` and `sync`, caches dropped before each.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from record import HERE, REPOSITORY, drop_caches, java_version, measure, save, versions

SCHEMES = ["FP8_DYNAMIC", "FP8_BLOCK", "W4A16"]


def need(condition, message):
    """Ends the script when something it needs is missing."""
    if not condition:
        sys.exit(f"benchmark_quantize.py: {message}")


def size_of(folder):
    """Bytes of the weight files of a folder."""
    return sum(path.stat().st_size for path in Path(folder).glob("*.safetensors"))


def warm_up(folder):
    """Reads every file of the checkpoint into the page cache."""
    for path in sorted(Path(folder).glob("*.safetensors")):
        with open(path, "rb") as file:
            while file.read(1 << 24):
                pass


class Bench:
    """Runs one command after another on one checkpoint, each into an empty output folder."""

    def __init__(self, options):
        self.checkpoint, self.work = Path(options.checkpoint).resolve(), Path(options.work).resolve()
        self.launcher = Path(options.launcher).resolve()
        self.output, self.tables, self.log = self.work / "output", self.work / "tables", self.work / "run.log"
        self.keep = self.work / "last-failure.log"

    def prepare(self):
        """The launcher archives classes once after a build; that is not part of a job."""
        folder = self.work / "prepare"
        subprocess.run([self.launcher, "quickstart", "--output", folder / "out", "--tables", folder / "tables"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        shutil.rmtree(folder)

    def once(self, label, command, cache):
        """One measured run; the output folder is removed before and after."""
        for folder in (self.output, self.tables):
            shutil.rmtree(folder, ignore_errors=True)
        drop_caches()
        if cache == "warm":
            warm_up(self.checkpoint)
        result = measure(command, self.log, environment={"HF_HUB_OFFLINE": "1"}, sync=True)
        if result.exit_code != 0:
            self.keep.write_text(result.log)
            sys.exit(f"{label} failed with exit code {result.exit_code}; its output is in {self.keep}:\n{result.log[-1500:]}")
        row = {**result.row(), "output_bytes": size_of(self.output)}
        shutil.rmtree(self.output, ignore_errors=True)
        print(f"{label:42} {cache:5} {row['seconds']:8.2f} s  cpu {row['cpu_seconds']:8.2f} s  peak {row['peak_rss_mb']} MB "
              f"(anonymous {row['peak_anonymous_mb']} MB)", flush=True)
        return row

    def sparkao(self, scheme):
        """The command line of our job."""
        return [self.launcher, "quantize", "--checkpoint", self.checkpoint, "--output", self.output, "--scheme", scheme,
                "--tables", self.tables]


def median_of(rows):
    """Median seconds, largest memory of several runs."""
    return {"median_seconds": round(statistics.median(row["seconds"] for row in rows), 2),
            "peak_rss_mb": max(row["peak_rss_mb"] for row in rows),
            "peak_anonymous_mb": max(row["peak_anonymous_mb"] for row in rows),
            "median_cpu_seconds": round(statistics.median(row["cpu_seconds"] for row in rows), 2),
            "output_bytes": rows[0]["output_bytes"], "runs": rows}


def peers(options, bench):
    """Alternates the two tools over schemes, caches and repetitions."""
    need(options.peer_python and Path(options.peer_python).exists(), "--peer-python must name the interpreter of the "
         "llm-compressor environment (README.md)")
    results = []
    for scheme in options.scheme or SCHEMES:
        for cache in options.cache:
            sides = {"sparkao": bench.sparkao(scheme)}
            for workers in options.peer_workers:
                sides[f"model_free_ptq workers={workers}"] = [
                    options.peer_python, HERE / "model_free.py", "--checkpoint", bench.checkpoint, "--output", bench.output,
                    "--scheme", scheme, "--workers", str(workers)]
            rows = {name: [] for name in sides}
            for _ in range(options.repetitions):
                for name, command in sides.items():
                    rows[name].append(bench.once(f"{scheme} {name}", command, cache))
            medians = {name: median_of(runs) for name, runs in rows.items()}
            best = min((name for name in medians if name != "sparkao"), key=lambda name: medians[name]["median_seconds"])
            ratio = medians[best]["median_seconds"] / medians["sparkao"]["median_seconds"]
            print(f"{scheme} {cache}: sparkao is {ratio:.2f} times as fast as {best}", flush=True)
            results.append({"scheme": scheme, "cache": cache, "times_faster": round(ratio, 2), "best_peer": best, **medians})
    return {"benchmark": "quantize against llm-compressor model_free_ptq", "target": "times_faster >= 3",
            "versions": versions(options.peer_python, "llmcompressor", "compressed-tensors", "torch"), "results": results}


def copy(options, bench):
    """Alternates `cp` with our job, both ended by a sync."""
    results = []
    schemes = options.scheme or ["FP8_DYNAMIC"]
    rows = {"cp": [], **{scheme: [] for scheme in schemes}}
    for _ in range(options.repetitions):
        rows["cp"].append(bench.once("cp -r", ["cp", "-r", bench.checkpoint, bench.output], "cold"))
        for scheme in schemes:
            rows[scheme].append(bench.once(f"{scheme} sparkao", bench.sparkao(scheme), "cold"))
    copied = median_of(rows["cp"])
    for scheme in schemes:
        ours = median_of(rows[scheme])
        ratio = ours["median_seconds"] / copied["median_seconds"]
        print(f"{scheme}: {ratio:.2f} times the time of cp and sync")
        results.append({"scheme": scheme, "times_of_cp": round(ratio, 2), "sparkao": ours})
    return {"benchmark": "quantize against cp and sync", "target": "times_of_cp <= 2.5", "cp": copied, "results": results}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("against", choices=["peers", "copy"])
    parser.add_argument("--checkpoint", required=True, help="bf16 checkpoint, such as make_checkpoint.py writes")
    parser.add_argument("--work", required=True, help="folder on the disk to measure, for outputs and logs")
    parser.add_argument("--output", required=True, help="JSON result")
    parser.add_argument("--launcher", default=str(REPOSITORY / "jobs" / "bin" / "sparkao"))
    parser.add_argument("--peer-python")
    parser.add_argument("--peer-workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scheme", action="append")
    parser.add_argument("--cache", nargs="+", choices=["cold", "warm"], default=["cold", "warm"])
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    need((Path(options.checkpoint) / "config.json").exists(), f"{options.checkpoint} is no checkpoint; make one with make_checkpoint.py")
    need(Path(options.launcher).exists(), f"{options.launcher} is missing; build the project first (README.md of the repository)")
    Path(options.work).mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(options.work).free
    need(free > 1.2 * size_of(options.checkpoint), f"{options.work} has {free / 1e9:.1f} GB free, fewer than the checkpoint needs")
    try:
        drop_caches()
    except OSError as error:
        need(False, f"the page cache cannot be dropped ({error}); run as root")
    bench = Bench(options)
    bench.prepare()
    result = (peers if options.against == "peers" else copy)(options, bench)
    save(options.output, {**result, "java": java_version(), "checkpoint_bytes": size_of(options.checkpoint),
                          "repetitions": options.repetitions})


if __name__ == "__main__":
    main()
