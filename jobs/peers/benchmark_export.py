"""Times the export of a checkpoint as GGUF on one core beside llama.cpp, and compares the files.

    benchmark_export.py --checkpoint DIR --node FOLDER --work DIR --output FILE.json [--library FOLDER] [--core N]

DIR of --checkpoint is SmolLM2-135M-Instruct in bf16. The same bf16 GGUF file is the source of both: JMH runs
`GgufFileBenchmark`, which reads, encodes and writes in one thread, and llama.cpp's library of node-llama-cpp, in FOLDER's
node_modules, runs `llama_model_quantize` with one thread; --library is a folder with another build of it. The files of both
must be equal. Give a --work in memory, else disks are measured too. Exit code 1 when a bound is missed.
"""

import argparse
import filecmp
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from record import HERE, REPOSITORY, java_version, measure, save

SPARKAO = HERE.parent / "bin" / "sparkao"
BOUNDS = {"Q8_0": 700, "Q4_0": 700, "Q4_K_M": 250}
FILE_TYPES = {"Q8_0": 7, "Q4_0": 2, "Q4_K_M": 15}
FORKS, WARMUPS, PASSES, PEER_PASSES = 3, 10, 5, 3
# As every job is started, see jvm.processor-options in pom.xml.
JVM = "--add-modules=jdk.incubator.vector -XX:+ZeroTLAB"


def export(checkpoint, kind, work):
    """Writes a file by the command; its seconds, cold start and all."""
    file = work / f"{kind}.gguf"
    file.unlink(missing_ok=True)
    run = measure([SPARKAO, "export", "--checkpoint", checkpoint, "--type", kind, "--output", file, "--tables", work / "tables",
                   "--master", "local[1]"], work / "export.log")
    if run.exit_code:
        sys.exit(f"export --type {kind} failed:\n{run.log}")
    return run.seconds


def ours(source, target, work):
    """Milliseconds of JMH's passes."""
    result = work / "jmh.json"
    jmh = (f"GgufFileBenchmark -p source={source} -p target={target} -p output={work / 'made.gguf'} -f {FORKS} -wi {WARMUPS} "
           f"-i {PASSES} -foe true -rf json -rff {result} -jvmArgs '{JVM}'")
    subprocess.run(["mvn", "-q", "-pl", "quant-lib", "test-compile", "exec:exec@benchmark", f"-Djmh={jmh}"],
                   cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    return [row for fork in json.loads(result.read_text())[0]["primaryMetric"]["rawData"] for row in fork]


def theirs(library, source, kind, work):
    """Seconds of llama.cpp's passes, the first of each process left out, and whether its file is the same."""
    file, seconds = work / "theirs.gguf", []
    for _ in range(FORKS):
        out = subprocess.run([sys.executable, HERE / "llama_quantize.py", library, source, file, str(FILE_TYPES[kind]), str(PEER_PASSES + 1)],
                             check=True, capture_output=True, text=True).stdout
        seconds += json.loads(out)[1:]
    equal = filecmp.cmp(file, work / f"{kind}.gguf", shallow=False)
    file.unlink()
    return seconds, equal


def row(seconds, megabytes):
    """Median and range, MB of source a second."""
    return {"mb_per_second": round(megabytes / statistics.median(seconds)), "slowest": round(megabytes / max(seconds)),
            "fastest": round(megabytes / min(seconds))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("checkpoint", "node", "work", "output"):
        parser.add_argument("--" + name, required=True, type=lambda text: Path(text).resolve())
    parser.add_argument("--library", type=lambda text: Path(text).resolve(), help="a build of llama.cpp 0.5.0 for this processor")
    parser.add_argument("--core", type=int, default=0, help="everything runs on this core")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    os.sched_setaffinity(0, {options.core})
    libraries = {"node-llama-cpp": options.node / "node_modules" / "@node-llama-cpp" / "linux-x64" / "bins" / "linux-x64"}
    if options.library:
        libraries["built for this processor"] = options.library
    export(options.checkpoint, "BF16", options.work)
    source = options.work / "BF16.gguf"
    megabytes = source.stat().st_size / 1e6
    rows, good = [], True
    for kind, bound in BOUNDS.items():
        command = export(options.checkpoint, kind, options.work)
        made = row([one / 1e3 for one in ours(source, options.work / f"{kind}.gguf", options.work)], megabytes)
        result = {"type": kind, "bound": bound, "within_bound": made["mb_per_second"] >= bound, "sparkao": made,
                  "command_seconds": round(command, 1)}
        for name, library in libraries.items():
            seconds, equal = theirs(library, source, kind, options.work)
            peer = row(seconds, megabytes)
            result[f"llama_cpp, {name}"] = peer | {"same_file": equal, "ratio": round(made["mb_per_second"] / peer["mb_per_second"], 2)}
            good &= equal
        good &= result["within_bound"]
        rows.append(result)
        print(json.dumps(result), flush=True)
    package = json.loads((options.node / "node_modules" / "node-llama-cpp" / "package.json").read_text())
    save(options.output, {"benchmark": "export of SmolLM2-135M-Instruct from a GGUF file in bf16, one core, files in memory",
                          "source_mb": round(megabytes, 1), "forks": FORKS, "passes": PASSES, "passes_llama_cpp": PEER_PASSES, "java": java_version(),
                          "versions": {"node-llama-cpp": package["version"], "llama.cpp": "0.5.0"}, "rows": rows})
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
