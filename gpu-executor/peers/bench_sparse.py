"""Times 2:4 products beside cuBLAS and cuSPARSELt, by turns in one process, so that all meet the same clocks.

    bench_sparse.py --kernels FOLDER [--output FILE.json] [--rows 4096] [--rounds 9]

FOLDER holds the compiled kernels of this project (target/classes/org/sparkao/gpu/kernels): gemm_sparse and gemm_prefill. Products
are fp8 with a scale a row of X and of W, and bf16; cuBLAS also with one scale a tensor. Dense products have dense weights: zeros
would save power. Ours are checked with float64 first, on some rows and all columns of a part. A time is the median of the rounds; in each
every product runs once to warm up and then a few times between two events. "tiled" includes the tiling of X.

Exit code 0: done; 1: a product is wrong; 2: no GPU, or no PyTorch.
"""

import argparse
import ctypes
import json
import pathlib
import sys

import shapes

try:
    import torch

    import measure
except ImportError as missing:
    print(f"bench_sparse: {missing}; it needs Python with PyTorch 2.11 (cu130) and Triton 3.6", file=sys.stderr)
    sys.exit(2)

E4M3 = torch.float8_e4m3fn
BOUND = {E4M3: 4e-3, torch.bfloat16: 3e-3}
MULTIPROCESSORS = 132
SHARED_BYTES = 232_448


class Kernels:
    """Functions of fatbins, launched on the stream of PyTorch."""

    def __init__(self, folder):
        self.driver = ctypes.CDLL("libcuda.so.1")
        self.modules = {}
        for name in ("gemm_sparse", "gemm_prefill"):
            image = (pathlib.Path(folder) / f"{name}.fatbin").read_bytes()
            module = ctypes.c_void_p()
            self.must(self.driver.cuModuleLoadData(ctypes.byref(module), image))
            self.modules[name] = module
        self.functions = {}

    @staticmethod
    def must(code):
        if code != 0:
            raise RuntimeError(f"CUDA error {code}")

    def function(self, name, shared):
        if name not in self.functions:
            function = ctypes.c_void_p()
            module = self.modules["gemm_sparse" if name.startswith("gemm_sparse") else "gemm_prefill"]
            self.must(self.driver.cuModuleGetFunction(ctypes.byref(function), module, name.encode()))
            if shared:
                self.must(self.driver.cuFuncSetAttribute(function, 8, shared))
            self.functions[name] = function
        return self.functions[name]

    def launch(self, name, grid, threads, shared, *arguments):
        """Tensors are addresses, None is null, ints are 32 bits, and a tuple of one int is 64 bits."""
        values = []
        for argument in arguments:
            if argument is None or torch.is_tensor(argument):
                values.append(ctypes.c_void_p(0 if argument is None else argument.data_ptr()))
            elif isinstance(argument, tuple):
                values.append(ctypes.c_longlong(argument[0]))
            else:
                values.append(ctypes.c_int(argument))
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.cast(ctypes.pointer(v), ctypes.c_void_p) for v in values])
        stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)
        self.must(self.driver.cuLaunchKernel(self.function(name, shared), *grid, threads, 1, 1, shared, stream, pointers, None))


def ceil(a, b):
    return -(-a // b)


def pruned(w):
    """Two of each four neighbours become zero, any two."""
    n, k = w.shape
    masks = torch.tensor([[(mask >> i) & 1 for i in range(4)] for mask in (3, 5, 6, 9, 10, 12)], device=w.device, dtype=w.dtype)
    return (w.view(n, k // 4, 4) * masks[torch.randint(6, (n, k // 4), device=w.device)]).view(n, k)


class Product:
    """Operands of X [m, k] W [n, k]^T, dense and 2:4, and all ways to multiply them."""

    def __init__(self, kernels, element, m, n, k):
        self.kernels, self.m, self.n, self.k = kernels, m, n, k
        self.fp8 = element == E4M3
        self.kind = "e4m3" if self.fp8 else "bf16"
        self.bytes = 1 if self.fp8 else 2
        self.blocks = ceil(k * self.bytes, 128)
        device = "cuda"
        self.x = torch.randn(m, k, device=device, dtype=torch.bfloat16).to(element)
        w = torch.randn(n, k, device=device, dtype=torch.bfloat16)
        self.sparse = pruned(w).to(element)
        self.dense = w.to(element)
        del w
        self.one = torch.ones((), device=device)
        self.x_scales = torch.rand(m, 1, device=device) + 0.5
        self.w_scales = torch.rand(1, n, device=device) * 0.01 + 0.01
        self.y = torch.full((m, n), float("nan"), device=device, dtype=torch.bfloat16)
        self.tiled_x = self.tile(self.x, torch.empty(ceil(m, 128) * self.blocks * 16384, device=device, dtype=torch.uint8))
        self.tiled_w = self.tile(self.dense, torch.empty(ceil(n, 128) * self.blocks * 16384, device=device, dtype=torch.uint8))
        self.packed = torch.empty(ceil(n, 128) * self.blocks * (8192 + 2048 // self.bytes), device=device, dtype=torch.uint8)
        wrong = torch.full((1,), -1, device=device, dtype=torch.int64)
        kernels.launch(f"gemm_sparse_pack_{self.kind}", (self.blocks, ceil(n, 128), 1), 256, 0, self.sparse, self.packed, n,
                       (k * self.bytes,), wrong)
        if wrong.item() != -1:
            raise ArithmeticError(f"packing found a group that is not 2:4 at {wrong.item()}")

    def tile(self, rows, to):
        self.kernels.launch("gemm_prefill_tile_rows", (self.blocks, ceil(rows.shape[0], 128), 1), 256, 0, rows, to,
                            rows.shape[0], (self.k * self.bytes,))
        return to

    def scales(self):
        return (self.x_scales, self.w_scales) if self.fp8 else (None, None)

    def ours_sparse(self, width):
        tiles = ceil(self.n, 512) * ceil(self.m, width)
        self.kernels.launch(f"gemm_sparse_{self.kind}_n{width}", (2 * min(tiles, MULTIPROCESSORS // 2), 1, 1), 384, SHARED_BYTES,
                            self.tiled_x, self.packed, *self.scales(), 1, 1, None, self.y, self.m, self.n, self.blocks, 0)

    def ours_dense(self, name, width):
        tiles = ceil(self.m, 256) * ceil(self.n, width)
        self.kernels.launch(name, (2 * min(tiles, MULTIPROCESSORS // 2), 1, 1), 384, SHARED_BYTES, self.tiled_x, self.tiled_w,
                            *self.scales(), 1, 1, None, self.y, self.m, self.n, self.blocks, 0, 128)

    def tiled_sparse(self, width):
        self.tile(self.x, self.tiled_x)
        self.ours_sparse(width)

    def scaled_mm(self, x_scales, w_scales):
        torch._scaled_mm(self.x, self.dense.t(), scale_a=x_scales, scale_b=w_scales, out_dtype=torch.bfloat16,
                         use_fast_accum=True)

    def ways(self):
        """Name -> call."""
        ways = {f"sparse n{width}": lambda width=width: self.ours_sparse(width) for width in (192, 176, 160, 128)}
        ways["sparse n176, X tiled"] = lambda: self.tiled_sparse(176)
        if self.fp8:
            ways["dense e4m3_n192_p4"] = lambda: self.ours_dense("gemm_prefill_e4m3_n192_p4", 192)
            ways["cublas fp8"] = lambda: self.scaled_mm(self.one, self.one)
            ways["cublas fp8 rowwise"] = lambda: self.scaled_mm(self.x_scales, self.w_scales)
        else:
            ways["dense bf16_n256"] = lambda: self.ours_dense("gemm_prefill_bf16_n256", 256)
            ways["cublas bf16"] = lambda: torch.nn.functional.linear(self.x, self.dense)
        return ways | self.sparselt()

    def sparselt(self):
        """cuSPARSELt with the fastest algorithm that it finds, where this PyTorch has it."""
        try:
            compressed = torch._cslt_compress(self.sparse)
            options = {"transpose_result": True} | ({"out_dtype": torch.bfloat16} if self.fp8 else {})
            best = torch._cslt_sparse_mm_search(compressed, self.x.t(), **options)
            call = lambda: torch._cslt_sparse_mm(compressed, self.x.t(), alg_id=best, **options)
            call()
            torch.cuda.synchronize()
            return {"cusparselt": call}
        except RuntimeError as refused:
            print(f"bench_sparse: cuSPARSELt left out: {str(refused).splitlines()[0]}", file=sys.stderr)
            return {}

    def error(self, call, rows=64, columns=512):
        """Of the last rows and columns, against float64."""
        self.y.fill_(float("nan"))
        call()
        torch.cuda.synchronize()
        expected = self.x[-rows:].double() @ self.sparse[-columns:].double().t()
        if self.fp8:
            expected = expected * self.x_scales[-rows:].double() * self.w_scales[:, -columns:].double()
        if self.y.isnan().any():
            return float("nan")
        return measure.relative_error(self.y[-rows:, -columns:], expected)


def times(ways, rounds, us_each=1500):
    """Median microseconds of every way."""
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    taken = {name: [] for name in ways}
    calls = {}
    for turn in range(rounds + 1):
        for name, call in ways.items():
            call()
            begin.record()
            for _ in range(calls.get(name, 1)):
                call()
            end.record()
            end.synchronize()
            us = begin.elapsed_time(end) * 1e3 / calls.get(name, 1)
            if turn == 0:
                calls[name] = max(1, round(us_each / us))
            else:
                taken[name].append(us)
    return {name: sorted(values)[len(values) // 2] for name, values in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", required=True)
    parser.add_argument("--output")
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    measure.require_gpu("bench_sparse")
    torch.manual_seed(7)
    torch.zeros(1, device="cuda")
    kernels = Kernels(options.kernels)
    found, wrong = [], 0
    for element in (E4M3, torch.bfloat16):
        for label, n, k in shapes.DECODE[:4]:
            product = Product(kernels, element, options.rows, n, k)
            ways = product.ways()
            errors = {name: product.error(call) for name, call in ways.items() if name.startswith("sparse")}
            wrong += sum(not error <= BOUND[element] for error in errors.values())
            shape = f"{options.rows}x{n}x{k}"
            for name, us in times(ways, options.rounds).items():
                row = {"type": product.kind, "label": label, "shape": shape, "way": name, "us": round(us, 1),
                       "tflops": round(2 * options.rows * n * k / us * 1e-6), "error": errors.get(name)}
                found.append(row)
                error = "" if row["error"] is None else f"  error {row['error']:.2e}"
                print(f"{product.kind} {shape:16} {name:22} {us:8.1f} us {row['tflops']:5} Tflop/s{error}", flush=True)
            del product, ways
            torch.cuda.empty_cache()
    if options.output:
        pathlib.Path(options.output).write_text(json.dumps({"machine": measure.machine(), "products": found}, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
