"""Times by CUDA graphs, errors against float64, the ceilings of the card. Needs PyTorch and a GPU."""

import math
import platform
import subprocess
import sys
import time

import torch
import triton

import triton_kernels

CHAIN_US = 1000
MOST_CALLS = 200
REPLAYS = 25


def median_us(call, copies, replays=REPLAYS):
    """Median microseconds of `call(i)` in a chain that is one CUDA graph; i counts up, so that copies take turns."""
    call(0)
    torch.cuda.synchronize()
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    for i in range(3):
        call(i)
    end.record()
    end.synchronize()
    calls = min(MOST_CALLS, max(copies, math.ceil(CHAIN_US / max(1.0, begin.elapsed_time(end) * 1e3 / 3))))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for i in range(calls):
            call(i)
    for _ in range(2):
        graph.replay()
    times = []
    for _ in range(replays):
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e3 / calls)
    return sorted(times)[len(times) // 2]


def require_gpu(program):
    """Ends the program with exit code 2 where there is no GPU that fp8 runs on."""
    if not torch.cuda.is_available():
        print(f"{program}: no CUDA GPU here (torch.cuda.is_available() is false); run it on the machine whose peers are"
              " to be timed", file=sys.stderr)
        sys.exit(2)
    major, minor = torch.cuda.get_device_capability()
    if (major, minor) < (8, 9):
        print(f"{program}: {torch.cuda.get_device_name()} is sm_{major}{minor}; fp8 needs sm_89 or later",
              file=sys.stderr)
        sys.exit(2)


def product64(x, w, rows_at_once=4096):
    """X [M, K] W [N, K]^T in float64."""
    x = x.double()
    return torch.cat([x @ part.double().t() for part in w.split(rows_at_once)], dim=1)


def relative_error(actual, expected):
    """Norm of the difference over norm of what is expected; NaN when anything is."""
    return ((actual.double() - expected).norm() / expected.norm()).item()


def machine():
    """What the numbers hold for."""
    driver = subprocess.run(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"], capture_output=True,
                            text=True, check=True).stdout.split()[0]
    properties = torch.cuda.get_device_properties(0)
    return {
        "device": properties.name,
        "architecture": f"sm_{properties.major}{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "memory_bytes": properties.total_memory,
        "driver": driver,
        "cuda": torch.version.cuda,
        "torch": torch.__version__,
        "triton": triton.__version__,
        "python": platform.python_version(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def ceilings():
    """Bytes a second of copying (read plus written) and of reading, each the best of several ways, checked first."""
    count = 1 << 28
    source = torch.randint(-2**31, 2**31 - 1, (count,), dtype=torch.int32, device="cuda")
    target = torch.zeros_like(source)
    ways = {"torch": lambda i: target.copy_(source)}
    for block, warps in ((2048, 4), (4096, 4), (8192, 8)):
        ways[f"triton {block}"] = (
            lambda i, block=block, warps=warps: triton_kernels.copy(source, target, block, warps))
    copies = {}
    for name, copy in ways.items():
        target.zero_()
        copy(0)
        if not torch.equal(source, target):
            raise ArithmeticError(f"copy by {name} is wrong")
        copies[name] = 8 * count / median_us(copy, 4) * 1e-3
    reads = {}
    for block, warps in ((2048, 4), (4096, 4), (8192, 8), (16384, 8)):
        sums = torch.zeros(count // block, dtype=torch.int32, device="cuda")
        triton_kernels.read(source, sums, block, warps)
        if not torch.equal(sums, triton_kernels.sums_of(source, block)):
            raise ArithmeticError(f"read in blocks of {block} is wrong")
        reads[f"triton {block}"] = 4 * count / median_us(
            lambda i: triton_kernels.read(source, sums, block, warps), 4) * 1e-3
    return {
        "copy_gb_per_second": round(max(copies.values()), 1),
        "read_gb_per_second": round(max(reads.values()), 1),
        "copies": {name: round(value, 1) for name, value in copies.items()},
        "reads": {name: round(value, 1) for name, value in reads.items()},
    }
