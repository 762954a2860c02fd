"""Times the peers of our matrix products on one GPU: PyTorch (cuBLAS) and kernels in Triton.

    bench_gemm.py --output FILE.json [--quick] [--only TEXT]

Every product is compared with float64 before it is timed. Then calls over rotating copies of the weights (more than
120 MB in all, so that none comes from the cache) are captured as one CUDA graph, which is replayed 25 times; the median
counts, in microseconds a call. `--quick` leaves out M = 4, 8, 32 and 128. `triton_splitk` and `triton_splitk_tuned` do
not count the time of clearing their output, which favours the peer; `triton_splitk_cleared` counts it.

Exit code 0: done; 1: a peer computed nonsense, or one that every figure needs did not run; 2: no GPU, or no PyTorch.
"""

import argparse
import json
import math
import sys
from collections import namedtuple

import shapes

FP8_PEERS = ("cublas_fp8", "cublas_fp8_rowwise", "triton_base", "triton_splitk", "triton_splitk_tuned",
             "triton_splitk_cleared")
# Those that must have run; others may be missing from a release of PyTorch.
NEEDED = {"cublas_fp16", "cublas_bf16", *FP8_PEERS}
ROTATING_BYTES = 128e6
GROUP = 128

# One product: the peer's name, lengths, call(i) -> Y [M, N] with the i-th copy of the weights, what Y is in float64, the
# largest relative error, (bits of a weight, bytes of an input, bytes of an output), its configuration, copies of weights,
# and what makes the output ready before it is checked.
Case = namedtuple("Case", "peer m n k call expected bound sizes config copies prepare", defaults=(lambda: None,))

try:
    import torch

    import measure
    import triton_kernels
except ImportError as missing:
    print(f"bench_gemm: {missing}; it needs Python with PyTorch 2.11 (cu130) and Triton 3.6", file=sys.stderr)
    sys.exit(2)


class Bench:
    """Checks and times cases, and keeps what came of them."""

    def __init__(self, options):
        self.options = options
        self.rows = []
        self.skipped = []
        self.precision = []
        self.wrong = []

    def wants(self, name):
        return self.options.only in name

    def checked(self, case):
        """The error of a case; None when this PyTorch cannot run it."""
        case.prepare()
        try:
            actual = case.call(0)
            torch.cuda.synchronize()
        except (RuntimeError, AttributeError, TypeError) as refused:
            self.skip(case, refused)
            return None
        error = measure.relative_error(actual, case.expected)
        if not error <= case.bound:
            self.wrong.append(f"{case.peer} {case.config} M={case.m} N={case.n} K={case.k}: relative error {error:.2e},"
                              f" allowed {case.bound:.0e}")
            return None
        return error

    def timed(self, case, replays):
        """Its time and error; None when it is wrong or cannot be timed."""
        error = self.checked(case)
        if error is None:
            return None
        try:
            return measure.median_us(case.call, case.copies, replays), error
        except RuntimeError as refused:
            self.skip(case, refused)
            return None

    def skip(self, case, refused):
        reason = (str(refused).strip().splitlines() or [type(refused).__name__])[0][:200]
        self.skipped.append({"peer": case.peer, "n": case.n, "k": case.k, "m": case.m, "config": case.config,
                             "reason": reason})

    def run(self, *cases):
        """Checks all, times all, records the fastest."""
        if not cases or not self.wants(cases[0].peer):
            return
        if len(cases) > 1:
            quick = [(self.timed(case, replays=5), case) for case in cases]
            cases = [min(((time, case) for time, case in quick if time), key=lambda entry: entry[0][0],
                         default=(None, None))[1]]
        if cases[0] is not None:
            time = self.timed(cases[0], replays=measure.REPLAYS)
            if time:
                self.record(cases[0], *time)

    def record(self, case, us, error):
        size = shapes.moved_bytes(case.m, case.n, case.k, *case.sizes)
        self.rows.append({
            "peer": case.peer, "m": case.m, "n": case.n, "k": case.k, "config": case.config, "us": round(us, 2),
            "gb_per_second": round(size / us * 1e-3, 1),
            "tflops": round(shapes.operations(case.m, case.n, case.k) / us * 1e-6, 2), "relative_error": error})


def copies_of(weight):
    """The weight and as many copies as keep the cache from helping."""
    count = max(2, math.ceil(ROTATING_BYTES / (weight.numel() * weight.element_size())))
    return [weight] + [weight.clone() for _ in range(count - 1)]


def normal(rows, columns, dtype):
    return torch.randn(rows, columns, dtype=torch.float16, device="cuda").to(dtype)


def fp16_and_bf16(bench, ms, n, k):
    for peer, dtype, bound in (("cublas_fp16", torch.float16, 3e-3), ("cublas_bf16", torch.bfloat16, 1e-2)):
        if not bench.wants(peer):
            continue
        weights, x = copies_of(normal(n, k, dtype)), normal(max(ms), k, dtype)
        expected = measure.product64(x, weights[0])
        for m in ms:
            bench.run(Case(peer, m, n, k, lambda i, x=x[:m]: x @ weights[i % len(weights)].t(), expected[:m], bound,
                           (16, 2, 2), "", len(weights)))


def fp8(bench, ms, n, k):
    if not any(bench.wants(peer) for peer in FP8_PEERS):
        return
    weights, x = copies_of(normal(n, k, torch.float8_e4m3fn)), normal(max(ms), k, torch.float8_e4m3fn)
    expected = measure.product64(x, weights[0])
    for m in ms:
        scaled(bench, weights, x[:m], expected[:m])
        if m <= 128:
            triton_products(bench, weights, x[:m], expected[:m])
    precision(bench, weights, x[:16], expected[:16])


def scaled(bench, weights, x, expected):
    (m, k), n = x.shape, weights[0].shape[0]
    one = torch.ones((), device="cuda")
    rows, columns = torch.rand(m, 1, device="cuda") + 0.5, torch.rand(1, n, device="cuda") + 0.5

    def product(i, row_scale, column_scale):
        return torch._scaled_mm(x, weights[i % len(weights)].t(), scale_a=row_scale, scale_b=column_scale,
                                out_dtype=torch.bfloat16, use_fast_accum=True)

    bench.run(Case("cublas_fp8", m, n, k, lambda i: product(i, one, one), expected, 1e-2, (8, 1, 2), "fast_accum bf16",
                   len(weights)))
    bench.run(Case("cublas_fp8_rowwise", m, n, k, lambda i: product(i, rows, columns),
                   expected * rows.double() * columns.double(), 1e-2, (8, 1, 2), "fast_accum bf16", len(weights)))


def triton_products(bench, weights, x, expected):
    (m, k), n = x.shape, weights[0].shape[0]
    y = torch.empty((m, n), dtype=torch.float16, device="cuda")

    def cases(peer, tilings, before, prepare):
        made = []
        for tiling in tilings:
            def call(i, tiling=tiling):
                before()
                triton_kernels.product(x, weights[i % len(weights)], y, tiling)
                return y
            if tiling.fits(n, k) and (m <= 16 or tiling.rows > 16):
                made.append(Case(peer, m, n, k, call, expected, 1e-2, (8, 1, 2), str(tiling), len(weights), prepare))
        return made

    def nothing():
        pass

    def poison():
        y.fill_(float("nan"))

    bench.run(*cases("triton_base", triton_kernels.BASE, nothing, poison))
    # These add to a cleared output. When they are timed they go on adding: the time is that of the kernel alone.
    bench.run(*cases("triton_splitk", triton_kernels.SPLITK, nothing, y.zero_))
    bench.run(*cases("triton_splitk_tuned", triton_kernels.TUNED, nothing, y.zero_))
    bench.run(*cases("triton_splitk_cleared", triton_kernels.TUNED, y.zero_, poison))


def precision(bench, weights, x, expected):
    """The errors of cuBLAS with fp32 output, so that rounding the output hides nothing."""
    one = torch.ones((), device="cuda")
    row = {"m": x.shape[0], "n": weights[0].shape[0], "k": x.shape[1]}
    for name, fast in (("fast_accumulation", True), ("full_accumulation", False)):
        try:
            y = torch._scaled_mm(x, weights[0].t(), scale_a=one, scale_b=one, out_dtype=torch.float32,
                                 use_fast_accum=fast)
            row[name] = measure.relative_error(y, expected)
        except RuntimeError as refused:
            row[name + "_refused"] = str(refused).splitlines()[0]
    bench.precision.append(row)


def int8(bench, ms, n, k):
    if not bench.wants("torch_int8"):
        return
    weights = copies_of(torch.randint(-128, 128, (n, k), dtype=torch.int8, device="cuda"))
    x = torch.randint(-128, 128, (max(32, *ms), k), dtype=torch.int8, device="cuda")
    expected = measure.product64(x, weights[0])
    for m in ms:
        # PyTorch wants more than 16 rows.
        rows = max(m, 32)
        bench.run(Case("torch_int8", m, n, k,
                       lambda i, rows=rows, m=m: torch._int_mm(x[:rows], weights[i % len(weights)].t())[:m], expected[:m],
                       0, (8, 1, 4), "" if rows == m else f"{rows} rows", len(weights)))


def int4(bench, ms, n, k):
    if not bench.wants("torch_int4"):
        return
    codes = torch.randint(0, 16, (n, k), dtype=torch.uint8, device="cuda")
    scales = (torch.rand(k // GROUP, n, device="cuda") * 0.01 + 0.005).to(torch.bfloat16)
    weight = (codes.to(torch.bfloat16) - 8) * scales.t().repeat_interleave(GROUP, dim=1)
    x = normal(max(ms), k, torch.bfloat16)
    expected = measure.product64(x, weight)
    parameters = torch.stack([scales, torch.zeros_like(scales)], dim=-1).contiguous()
    try:
        packed = copies_of(torch._convert_weight_to_int4pack(codes[:, ::2] << 4 | codes[:, 1::2], 8))
    except (RuntimeError, AttributeError) as refused:
        bench.skipped.append({"peer": "torch_int4", "n": n, "k": k, "reason": str(refused)[:200]})
        return
    del codes, weight
    for m in ms:
        bench.run(Case("torch_int4", m, n, k,
                       lambda i, x=x[:m]: torch._weight_int4pack_mm(x, packed[i % len(packed)], GROUP, parameters),
                       expected[:m], 1e-2, (4 + 32 / GROUP, 2, 2), f"g{GROUP} bf16", len(packed)))


def table(rows):
    """Lines: a row a shape and M, a column a peer, microseconds."""
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    times = {(row["n"], row["k"], row["m"], row["peer"]): row["us"] for row in rows}
    lines = [f"{'N x K':>14} {'M':>5} " + " ".join(f"{peer:>{max(8, len(peer))}}" for peer in peers)]
    for n, k, m in dict.fromkeys(key[:3] for key in times):
        cells = [times.get((n, k, m, peer)) for peer in peers]
        lines.append(f"{f'{n} x {k}':>14} {m:>5} " + " ".join(
            f"{'-' if us is None else f'{us:.1f}':>{max(8, len(peer))}}" for us, peer in zip(cells, peers)))
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, help="JSON result")
    parser.add_argument("--quick", action="store_true", help="M = 1, 16 and 64 only")
    parser.add_argument("--only", default="", help="peers whose name contains this")
    options = parser.parse_args()
    measure.require_gpu("bench_gemm")
    torch.manual_seed(0)
    bench = Bench(options)
    result = {"machine": measure.machine(), "ceilings": measure.ceilings()}
    print(json.dumps(result), flush=True)
    ms = shapes.QUICK_ROWS if options.quick else shapes.ROWS
    work = [(ms, n, k) for _, n, k in shapes.DECODE] + [((shapes.LARGE[1],), *shapes.LARGE[2:])]
    try:
        for rows, n, k in work:
            for family in (fp16_and_bf16, fp8, int8, int4):
                family(bench, rows, n, k)
                torch.cuda.empty_cache()
    finally:
        result |= {"rows": bench.rows, "skipped": bench.skipped, "precision": bench.precision, "wrong": bench.wrong}
        with open(options.output, "w") as file:
            json.dump(result, file, indent=1)
    print("\n".join(table(bench.rows)))
    for row in bench.skipped:
        print(f"not run: {row}")
    for text in bench.wrong:
        print(f"WRONG: {text}")
    missing = {peer for peer in NEEDED if bench.wants(peer)} - {row["peer"] for row in bench.rows}
    if missing:
        print(f"did not run: {', '.join(sorted(missing))}")
    return 1 if bench.wrong or missing else 0


if __name__ == "__main__":
    sys.exit(main())
