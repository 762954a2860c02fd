"""Times one attention layer of Llama-3 70B in PyTorch on one GPU, eager and as a CUDA graph.

    bench_layer.py --output FILE.json [--m M]... [--context POSITIONS]

The layer is the one that `bench layer` of the product times: RMSNorm with dynamic fp8 quantization by rows, qkv by
torch._scaled_mm with row and channel scales, RoPE, append to the cache, attention by scaled_dot_product_attention with
grouped queries, quantization, o_proj with the residual, and the next norm with its quantization; one token for each of M
sequences whose caches hold POSITIONS. Weights and caches take turns among copies of more than 128 MB, so that none comes
from the cache of the GPU. Before it is timed, what attention adds is compared with the same layer in float64 without
quantization of activations. `eager` is a chain of layers, 25 medians; `graph` is that chain captured.

Exit code 0: done; 1: the layer computed nonsense; 2: no GPU, or no PyTorch.
"""

import argparse
import json
import math
import sys
from dataclasses import dataclass

import shapes

ROTATING_BYTES = 128e6
BASE = 500_000.0
EPSILON = 1e-5
LARGEST_E4M3 = 448.0
# Attention averages over a context: as much as it makes numbers smaller, this makes larger.
OUTPUT_GAIN = 16.0
# Codes of e4m3 are off by 2.6 % of their numbers, root mean square; two quantizations lie on the way.
BOUND = 0.06

try:
    import torch
    import torch.nn.functional as functional

    import measure
except ImportError as missing:
    print(f"bench_layer: {missing}; it needs Python with PyTorch 2.11 (cu130) and Triton 3.6", file=sys.stderr)
    sys.exit(2)


@dataclass(frozen=True)
class Sizes:
    """Of a layer."""

    hidden: int = 8192
    query_heads: int = 64
    key_heads: int = 8
    dimension: int = 128

    @property
    def row(self):
        return (self.query_heads + 2 * self.key_heads) * self.dimension

    @property
    def attended(self):
        return self.query_heads * self.dimension


@dataclass
class Projection:
    """A weight [N, K] in fp8 with a scale a row, laid out as torch._scaled_mm wants it."""

    codes: torch.Tensor
    scales: torch.Tensor

    @staticmethod
    def random(n, k, gain):
        weight = torch.randn(n, k, dtype=torch.float32, device="cuda") * (gain / math.sqrt(k))
        scales = weight.abs().amax(dim=1, keepdim=True) / LARGEST_E4M3
        return Projection((weight / scales).to(torch.float8_e4m3fn), scales.t().contiguous())

    def copy(self):
        return Projection(self.codes.clone(), self.scales.clone())

    def double(self):
        return self.codes.double() * self.scales.t().double()


def quantized(x):
    """Codes of e4m3 and a scale a row."""
    scales = x.abs().amax(dim=1, keepdim=True).float() / LARGEST_E4M3
    return (x / scales).to(torch.float8_e4m3fn), scales


def product(x, weight):
    codes, scales = x
    return torch._scaled_mm(codes, weight.codes.t(), scale_a=scales, scale_b=weight.scales, out_dtype=torch.bfloat16,
                            use_fast_accum=True)


def rotated(x, cosines, sines):
    """RoPE in the half-split order: x [M, heads, dimension]; tables [dimension]."""
    low, high = x.chunk(2, dim=-1)
    return x * cosines + torch.cat((-high, low), dim=-1) * sines


class Layer:
    """Weights, caches and rows, each in copies."""

    def __init__(self, sizes, m, context):
        self.sizes, self.m, self.context = sizes, m, context
        self.qkv = copies(Projection.random(sizes.row, sizes.hidden, 1.0), sizes.row * sizes.hidden)
        self.output = copies(Projection.random(sizes.hidden, sizes.attended, OUTPUT_GAIN), sizes.hidden * sizes.attended)
        self.norms = [(1 + 0.2 * torch.randn(sizes.hidden, device="cuda")).bfloat16() for _ in range(2)]
        self.x = torch.randn(m, sizes.hidden, device="cuda").bfloat16()
        shape = (m, sizes.key_heads, context, sizes.dimension)
        count = max(2, math.ceil(ROTATING_BYTES / (4 * math.prod(shape))))
        self.caches = [tuple(torch.randn(shape, dtype=torch.bfloat16, device="cuda") for _ in range(2))
                       for _ in range(count)]
        self.position = torch.tensor([context - 1], device="cuda")
        angles = (context - 1) / BASE ** (torch.arange(0, sizes.dimension, 2, device="cuda").double() / sizes.dimension)
        self.cosines, self.sines = (torch.cat((t, t)).bfloat16() for t in (angles.cos(), angles.sin()))
        self.turns = math.lcm(len(self.qkv), len(self.output), count)

    def heads(self, qkv):
        sizes = self.sizes
        return qkv.view(self.m, -1, sizes.dimension).split((sizes.query_heads, sizes.key_heads, sizes.key_heads), dim=1)

    def run(self, i):
        """(x plus what attention adds, the quantized norm of it)"""
        keys, values = self.caches[i % len(self.caches)]
        normed = functional.rms_norm(self.x, (self.sizes.hidden,), self.norms[0], EPSILON)
        query, key, value = self.heads(product(quantized(normed), self.qkv[i % len(self.qkv)]))
        query, key = rotated(query, self.cosines, self.sines), rotated(key, self.cosines, self.sines)
        keys.index_copy_(2, self.position, key.unsqueeze(2))
        values.index_copy_(2, self.position, value.unsqueeze(2))
        attended = functional.scaled_dot_product_attention(query.unsqueeze(2), keys, values, enable_gqa=True)
        added = product(quantized(attended.reshape(self.m, -1)), self.output[i % len(self.output)])
        y = self.x + added
        return y, quantized(functional.rms_norm(y, (self.sizes.hidden,), self.norms[1], EPSILON))

    def added64(self, row):
        """What attention adds to a row, in float64, without quantization of activations; the cache has the row's key."""
        sizes = self.sizes
        x = self.x[row].double()
        normed = x / torch.sqrt(x.square().mean() + EPSILON) * self.norms[0].double()
        query, key, value = (self.qkv[0].double() @ normed).view(-1, sizes.dimension).split(
            (sizes.query_heads, sizes.key_heads, sizes.key_heads))
        tables = self.cosines.double(), self.sines.double()
        query, key = rotated(query, *tables), rotated(key, *tables)
        keys, values = (cache[row].double() for cache in self.caches[0])
        keys[:, -1], values[:, -1] = key, value
        query = query.view(sizes.key_heads, -1, sizes.dimension)
        weights = torch.softmax(query @ keys.transpose(1, 2) / math.sqrt(sizes.dimension), dim=-1)
        return self.output[0].double() @ (weights @ values).reshape(-1)

    def error(self):
        """Of the last row."""
        added = (self.run(0)[0] - self.x)[-1]
        return measure.relative_error(added, self.added64(self.m - 1))


def copies(projection, size):
    count = max(4, math.ceil(ROTATING_BYTES / size))
    return [projection] + [projection.copy() for _ in range(count - 1)]


def eager_us(call, calls, replays=measure.REPLAYS):
    """Median microseconds of a call in a chain that is launched anew each time."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    times = []
    for replay in range(replays + 3):
        begin.record()
        for i in range(calls):
            call(i)
        end.record()
        end.synchronize()
        if replay >= 3:
            times.append(begin.elapsed_time(end) * 1e3 / calls)
    return sorted(times)[len(times) // 2]


def timed(m, context):
    """Rows of the result for M; the error first."""
    layer = Layer(Sizes(), m, context)
    error = layer.error()
    if not error <= BOUND:
        return [], f"M={m}: relative error {error:.2e}, allowed {BOUND:.0e}"
    calls = math.ceil(24 / layer.turns) * layer.turns
    times = {"eager": eager_us(layer.run, calls), "graph": measure.median_us(layer.run, calls)}
    return [{"peer": f"torch_{name}", "m": m, "context": context, "us": round(us, 2), "relative_error": error}
            for name, us in times.items()], None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, help="JSON result")
    parser.add_argument("--m", type=int, action="append", help="sequences; 1, 16 and 64 when none is given")
    parser.add_argument("--context", type=int, default=2048, help="positions that the cache holds")
    options = parser.parse_args()
    measure.require_gpu("bench_layer")
    torch.manual_seed(0)
    result = {"machine": measure.machine(), "rows": [], "wrong": []}
    for m in options.m or shapes.QUICK_ROWS:
        rows, wrong = timed(m, options.context)
        result["rows"] += rows
        result["wrong"] += [wrong] if wrong else []
        torch.cuda.empty_cache()
    with open(options.output, "w") as file:
        json.dump(result, file, indent=1)
    for row in result["rows"]:
        print(f"{row['peer']:12} M={row['m']:<4} {row['us']:9.1f} us  relative error {row['relative_error']:.1e}")
    for text in result["wrong"]:
        print(f"WRONG: {text}")
    return 1 if result["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
