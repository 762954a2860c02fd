"""Our benches beside their peers: the figures of the project, each with its target.

    compare.py --peers PEERS.json [--select PRODUCT=REGEX]... [--output FILE.json] BENCH.log...

PEERS.json is what bench_gemm.py wrote. A BENCH.log is the output of our C++ benches: its lines that are JSON objects count
(op, shape, config, us, and relative_error where there is one). A shape is text that holds M, N and K, such as
"1x8192x8192" or "8192x8192 m=1". A row is one of our PRODUCTs when REGEX is found in its "op shape config"; one PRODUCT has
at most one row for M, N and K.

A peer that is more than 5 % slower than its column of recorded.csv, geometric mean over the cells they share, makes the
run void. Exit code 0: every target is met; 1: one is missed, has no data, or the run is void; 2: bad usage.
"""

import argparse
import csv
import json
import math
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import shapes

SLOWER = 1.05
LARGE = tuple(shapes.LARGE[1:])
READ = "measured pure read"

# The decode bench times scales by row and by channel, of which a scale a tensor is a special case.
PRODUCTS = {
    "fp8": r"^gemm_decode e4m3 .* pdl$",
    "fp8_rowwise": r"^gemm_decode e4m3 .* pdl$",
    "int4": r"^gemm_int4 .* bf16_g128\b",
    "fp8_large": r"^gemm_prefill .* e4m3_n192_p4$",
    "int8_large": r"^gemm_prefill .* int8_n256$",
    "int4_large": r"^gemm_prefill .* int4_bf16_g128$",
}


@dataclass(frozen=True)
class Figure:
    """One line of the table: our product against peers (the fastest of several counts) where `cells` says so."""

    name: str
    product: str
    peers: tuple
    statistic: str  # geomean, minimum, maximum
    target: float
    most_rows: int = 128
    least_weight_bytes: int = 0
    large: bool = False


SPLITK = ("triton_splitk", "triton_splitk_tuned")
FIGURES = (
    Figure("cuBLAS FP8 per tensor", "fp8", ("cublas_fp8",), "geomean", 1.22, most_rows=16),
    Figure("cuBLAS FP8 per tensor", "fp8", ("cublas_fp8",), "geomean", 1.15, most_rows=64),
    Figure("cuBLAS FP8 per tensor", "fp8", ("cublas_fp8",), "minimum", 1.0),
    Figure("cuBLAS FP8 rowwise", "fp8_rowwise", ("cublas_fp8_rowwise",), "geomean", 1.45, most_rows=16),
    Figure("best Triton SplitK", "fp8", SPLITK, "geomean", 1.25, most_rows=64),
    Figure("Triton without SplitK", "fp8", ("triton_base",), "geomean", 1.40, most_rows=64),
    Figure("cuBLAS FP16", "fp8", ("cublas_fp16",), "geomean", 2.2, most_rows=64),
    Figure("bandwidth / pure read", "fp8", (READ,), "minimum", 0.95, most_rows=16, least_weight_bytes=64_000_000),
    Figure("int4 g128 / cuBLAS FP16", "int4", ("cublas_fp16",), "geomean", 3.7, most_rows=1),
    Figure("int4 g128 / cuBLAS FP16", "int4", ("cublas_fp16",), "geomean", 3.3, most_rows=16),
    Figure("int4 g128 / _weight_int4pack_mm", "int4", ("torch_int4",), "minimum", 1.0),
    Figure("int8 / cuBLAS int8", "int8_large", ("torch_int8",), "minimum", 0.90, large=True),
    Figure("W4A16 / cuBLAS BF16", "int4_large", ("cublas_bf16",), "minimum", 0.90, large=True),
    Figure("fp8 / cuBLAS FP8", "fp8_large", ("cublas_fp8",), "minimum", 0.90, large=True),
    Figure("largest ratio: Triton without SplitK", "fp8", ("triton_base",), "maximum", 1.94),
    Figure("largest ratio: cuBLAS FP8", "fp8", ("cublas_fp8",), "maximum", 1.87),
    Figure("largest ratio: cuBLAS FP16", "fp8", ("cublas_fp16",), "maximum", 1.71),
)


@dataclass
class Result:
    """What came of a figure."""

    figure: Figure
    ratios: dict = field(default_factory=dict)  # (m, n, k) -> ours over theirs, more is better
    missing: list = field(default_factory=list)

    @property
    def value(self):
        values = list(self.ratios.values())
        if not values:
            return math.nan
        if self.figure.statistic == "geomean":
            return geomean(values)
        return min(values) if self.figure.statistic == "minimum" else max(values)

    @property
    def verdict(self):
        if self.figure.statistic == "maximum":
            return "stated" if self.ratios else "no data"
        if not self.ratios:
            return "no data"
        if self.missing:
            return "incomplete"
        return "pass" if self.value >= self.figure.target else "MISS"


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def lengths(shape):
    """(M, N, K) out of the text of a shape; None when they are not all there."""
    product = re.search(r"\b(\d+)x(\d+)x(\d+)\b", shape)
    if product:
        return tuple(map(int, product.groups()))
    weight, rows = re.search(r"\b(\d+)x(\d+)\b", shape), re.search(r"\bm=(\d+)", shape, re.IGNORECASE)
    return (int(rows[1]), int(weight[1]), int(weight[2])) if weight and rows else None


def ours(files, products):
    """Times by product and shape, and the relative errors of e4m3 by M and K: they do not depend on N."""
    times, errors = {product: {} for product in products}, {}
    for file in files:
        for line in Path(file).read_text().splitlines():
            if not line.startswith("{"):
                continue
            row = json.loads(line)
            shape = lengths(row["shape"])
            if shape is None:
                continue
            if "us" not in row:
                if "relative_error" in row and row["shape"].startswith("e4m3 "):
                    errors[shape[0], shape[2]] = row["relative_error"]
                continue
            name = f"{row['op']} {row['shape']} {row['config']}"
            for product, pattern in products.items():
                if re.search(pattern, name):
                    if shape in times[product]:
                        raise ValueError(f"{file}: two rows are {product} at M, N, K = {shape}, the second is \"{name}\";"
                                         f" choose one with --select {product}=REGEX")
                    times[product][shape] = row["us"]
    return times, errors


def theirs(peers):
    """Times by peer and shape."""
    times = {}
    for row in peers["rows"]:
        times.setdefault(row["peer"], {})[row["m"], row["n"], row["k"]] = row["us"]
    return times


def result(figure, our_times, peer_times, read_gb_per_second):
    """The ratios of one figure, over every shape that a peer ran."""
    found = Result(figure)
    known = {shape for times in peer_times.values() for shape in times}
    for m, n, k in sorted(known):
        if ((m, n, k) == LARGE) != figure.large or not (figure.large or m <= figure.most_rows):
            continue
        if n * k < figure.least_weight_bytes:
            continue
        mine = our_times[figure.product].get((m, n, k))
        if figure.peers == (READ,):
            other = shapes.moved_bytes(m, n, k, 8, 1, 2) / read_gb_per_second * 1e-3
        else:
            other = min((peer_times[peer][m, n, k] for peer in figure.peers if (m, n, k) in peer_times.get(peer, {})),
                        default=None)
        if mine is None or other is None:
            found.missing.append((m, n, k))
        else:
            found.ratios[m, n, k] = other / mine
    return found


def slower_peers(peer_times):
    """For each recorded column: geometric mean of measured over recorded, and the cells above the limit."""
    with open(Path(__file__).with_name("recorded.csv"), newline="") as file:
        recorded = list(csv.DictReader(file))
    columns = {}
    for peer in recorded[0].keys() - {"n", "k", "m", "limit"}:
        cells = {}
        for row in recorded:
            shape = int(row["m"]), int(row["n"]), int(row["k"])
            if shape in peer_times.get(peer, {}):
                cells[shape] = peer_times[peer][shape] / float(row[peer])
        if cells:
            columns[peer] = geomean(cells.values()), {shape: cell for shape, cell in cells.items() if cell > SLOWER}
    return dict(sorted(columns.items()))


def precision(peers, errors):
    """(ours, cuBLAS with fast accumulation) at the longest K."""
    theirs_at = {(row["m"], row["n"], row["k"]): row.get("fast_accumulation") for row in peers.get("precision", ())}
    longest = max((shape[2] for shape in theirs_at), default=0)
    pairs = [(errors.get((m, k)), error) for (m, _, k), error in theirs_at.items() if k == longest]
    return longest, [(mine, other) for mine, other in pairs if mine is not None and other is not None]


def rows_text(figure):
    if figure.large:
        return "{} x {} x {}".format(*LARGE)
    return "M = 1" if figure.most_rows == 1 else f"M <= {figure.most_rows}"


def shape_lines(products, our_times, peer_times):
    """A line a shape and product: ours, then each peer with the ratio."""
    for product in products:
        for m, n, k in sorted(our_times[product], key=lambda shape: (shape[1:], shape[0])):
            mine = our_times[product][m, n, k]
            cells = [f"{peer} {times[m, n, k]:.1f} ({times[m, n, k] / mine:.2f}x)" for peer, times in peer_times.items()
                     if (m, n, k) in times]
            yield f"{product:12} {f'{n} x {k}':>14} M={m:<5} {mine:8.2f} us  " + "  ".join(cells)


def report(peers, our_times, errors, products):
    """Prints everything; gives what --output keeps, and whether all is well."""
    peer_times = theirs(peers)
    read = peers["ceilings"]["read_gb_per_second"]
    print("\n".join(shape_lines(products, our_times, peer_times)))
    print(f"\n{json.dumps(peers['machine'])}\nread {read:.0f} GB/s, copy {peers['ceilings']['copy_gb_per_second']:.0f} GB/s")
    void = False
    for peer, (mean, cells) in slower_peers(peer_times).items():
        slow = mean > SLOWER
        void = void or slow
        print(f"{peer:22} {mean:5.3f} of the recorded time{'  VOID' if slow else ''}"
              + "".join(f"; {cell:.2f} at M={m} {n} x {k}" for (m, n, k), cell in cells.items()))
    results = [result(figure, our_times, peer_times, read) for figure in FIGURES]
    print()
    for found in results:
        figure = found.figure
        at = ""
        if figure.statistic != "geomean" and found.ratios:
            shape = (min if figure.statistic == "minimum" else max)(found.ratios, key=found.ratios.get)
            at = "  at M={} {} x {}".format(*shape)
        sign = "published" if figure.statistic == "maximum" else "target"
        print(f"{found.verdict:10} {figure.name:36} {rows_text(figure):20} {figure.statistic:8} {found.value:6.3f}"
              f"  {sign} {figure.target:.2f}{at}" + (f"  ({len(found.missing)} cells missing)" if found.missing else ""))
    longest, pairs = precision(peers, errors)
    exact = bool(pairs) and all(mine < other for mine, other in pairs)
    verdict = "no data" if not pairs else "pass" if exact else "MISS"
    print(f"{verdict:10} relative error at K = {longest} below cuBLAS with fast accumulation: "
          + (", ".join(f"{mine:.2e} / {other:.2e}" for mine, other in pairs) or "-"))
    print("VOID: a peer was slower than recorded" if void else "The peers ran as fast as recorded.")
    kept = [{"figure": found.figure.name, "rows": rows_text(found.figure), "statistic": found.figure.statistic,
             "value": None if math.isnan(found.value) else round(found.value, 4), "target": found.figure.target,
             "verdict": found.verdict, "missing": len(found.missing)} for found in results]
    good = exact and not void and all(found.verdict in ("pass", "stated") for found in results)
    return {"machine": peers["machine"], "ceilings": peers["ceilings"], "void": void, "figures": kept,
            "relative_error": {"k": longest, "pairs": pairs, "verdict": verdict}}, good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, help="what bench_gemm.py wrote")
    parser.add_argument("--select", action="append", default=[], metavar="PRODUCT=REGEX",
                        help=f"rows of a product, in place of the default; products: {', '.join(PRODUCTS)}")
    parser.add_argument("--output", help="JSON result")
    parser.add_argument("bench", nargs="+", help="output of our benches")
    options = parser.parse_args()
    products = dict(PRODUCTS)
    for selection in options.select:
        product, equals, pattern = selection.partition("=")
        if not equals or product not in products:
            parser.error(f"--select {selection}: write PRODUCT=REGEX, PRODUCT one of {', '.join(PRODUCTS)}")
        products[product] = pattern
    peers = json.loads(Path(options.peers).read_text())
    try:
        our_times, errors = ours(options.bench, products)
    except ValueError as refused:
        parser.error(str(refused))
    kept, good = report(peers, our_times, errors, products)
    if options.output:
        Path(options.output).write_text(json.dumps(kept, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
