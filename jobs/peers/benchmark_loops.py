"""Times the inner loops on one core: what the job runs for a weight, hashes included, and the same in plain Java.

    benchmark_loops.py --output FILE.json

JMH runs `QuantizeBenchmark` twice, once with the vector API and once without the module, which makes the library choose
its plain loops. Scores are MB of bf16 source a second. Exit code 1 when a bound is missed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from record import REPOSITORY, java_version, save

BOUNDS = {"FP8_DYNAMIC": 700, "W4A16": 500, "FP8_BLOCK": 700}
TIMES_PLAIN = 6
VECTORS = "--add-modules=jdk.incubator.vector"
PROCESSOR = "-XX:+ZeroTLAB"  # as every job is started, see jvm.processor-options in pom.xml


def benchmark(options, jvm_arguments):
    """Scores by (benchmark, scheme), with JMH's error of 99.9 %; `jvm_arguments` beside those of the product."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "jmh.json"
        # JMH's forks inherit the options of its own JVM unless it is told others.
        jmh = f"QuantizeBenchmark -p scheme={','.join(options.scheme)} -rf json -rff {result} -jvmArgs '{jvm_arguments} {PROCESSOR}'"
        subprocess.run(["mvn", "-q", "-pl", "quant-lib", "test-compile", "exec:exec@benchmark", f"-Djmh={jmh}"],
                       cwd=REPOSITORY, check=True)
        rows = json.loads(result.read_text())
    return {(row["benchmark"].rsplit(".", 1)[1], row["params"]["scheme"]):
            {"mb_per_second": round(row["primaryMetric"]["score"], 1), "error": round(row["primaryMetric"]["scoreError"], 1)}
            for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, help="JSON result")
    parser.add_argument("--scheme", nargs="+", default=["FP8_DYNAMIC", "FP8_BLOCK", "W8A8", "W4A16"])
    options = parser.parse_args()
    vector, plain = benchmark(options, VECTORS), benchmark(options, "")
    rows, good = [], True
    for scheme in options.scheme:
        loop, codes, slow = vector["quantizeAndHash", scheme], vector["quantize", scheme], plain["quantize", scheme]
        times = codes["mb_per_second"] / slow["mb_per_second"]
        within = loop["mb_per_second"] >= BOUNDS.get(scheme, 0) and times >= TIMES_PLAIN
        good = good and within
        rows.append({"scheme": scheme, "within_bounds": within, "quantize_and_hash": loop, "hash": vector["hash", scheme],
                     "quantize": codes, "quantize_plain": slow, "times_plain": round(times, 1)})
        print(f"{scheme:12} {loop['mb_per_second']:7.0f} MB/s with hashes, {codes['mb_per_second']:7.0f} without; "
              f"plain {slow['mb_per_second']:6.0f}: {times:.1f} times", flush=True)
    save(options.output, {"benchmark": "inner loops of quantize, one core, bf16 source", "java": java_version(),
                          "bounds": {"quantize_and_hash_mb_per_second": BOUNDS, "times_plain": TIMES_PLAIN}, "rows": rows})
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
