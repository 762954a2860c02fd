"""Kernels in Triton that a user would write: an fp8 product with and without SplitK, a copy and a read of memory.

The idea of splitting K over blocks that add their fp16 results atomically is that of pytorch-labs/applied-ai
(kernels/triton/inference/fp8/splitk_gemm_fp8.py); the code is our own. It is a peer, not a part of the product: its
result depends on the order of the additions.
"""

from dataclasses import dataclass

import torch
import triton
import triton.language as tl


@dataclass(frozen=True)
class Tiling:
    """How a product is cut: tile of rows, columns and depth, blocks that share a tile's depth, warps, stages."""

    rows: int
    columns: int
    depth: int
    split: int
    warps: int
    stages: int

    def __str__(self):
        return (f"{self.rows}x{self.columns}x{self.depth} split={self.split} warps={self.warps}"
                f" stages={self.stages}")

    def fits(self, n, k):
        return n % self.columns == 0 and k % (self.depth * self.split) == 0


# The tile of design/kernels.md with the launch parameters that suit a Hopper card; the best counts.
BASE = (Tiling(64, 64, 256, 1, 4, 3), Tiling(64, 64, 256, 1, 8, 3), Tiling(64, 64, 256, 1, 4, 4))
SPLITK = (Tiling(64, 64, 256, 4, 4, 3), Tiling(64, 64, 256, 4, 8, 3))
TUNED = (
    Tiling(64, 64, 256, 4, 4, 3),
    Tiling(64, 64, 256, 2, 4, 4),
    Tiling(64, 64, 128, 4, 4, 5),
    Tiling(64, 128, 128, 4, 4, 4),
    Tiling(64, 32, 256, 4, 4, 4),
    Tiling(64, 64, 512, 4, 8, 2),
    Tiling(16, 64, 256, 4, 4, 4),
)


@triton.jit(do_not_specialize=["rows"])
def product_kernel(x, w, y, scale, rows, columns, depth, TILE_ROWS: tl.constexpr, TILE_COLUMNS: tl.constexpr,
                   TILE_DEPTH: tl.constexpr, SPLIT: tl.constexpr):
    """Y [M, N] = scale X [M, K] W [N, K]^T in fp16. With SPLIT > 1 the result is added to what Y holds."""
    row_tiles = tl.cdiv(rows, TILE_ROWS)
    tile = tl.program_id(0)
    row = (tile % row_tiles) * TILE_ROWS + tl.arange(0, TILE_ROWS)
    column = (tile // row_tiles) * TILE_COLUMNS + tl.arange(0, TILE_COLUMNS)
    k = tl.program_id(1) * TILE_DEPTH + tl.arange(0, TILE_DEPTH)
    # Rows behind the last one are zeros and are not written. (To let them read the last row again took twice the time at
    # M = 1: all blocks then wait for the same few bytes of L2.)
    inside = (row < rows)[:, None]
    x_at = x + row[:, None] * depth + k[None, :]
    w_at = w + column[None, :] * depth + k[:, None]
    total = tl.zeros((TILE_ROWS, TILE_COLUMNS), tl.float32)
    for _ in range(0, depth // (TILE_DEPTH * SPLIT)):
        total = tl.dot(tl.load(x_at, mask=inside, other=0.0), tl.load(w_at), total)
        x_at += TILE_DEPTH * SPLIT
        w_at += TILE_DEPTH * SPLIT
    result = (total * scale).to(tl.float16)
    y_at = y + row[:, None] * columns + column[None, :]
    if SPLIT == 1:
        tl.store(y_at, result, mask=inside)
    else:
        tl.atomic_add(y_at, result, mask=inside, sem="relaxed")


def product(x, w, y, tiling):
    """Launches the kernel; K of x, w and y [M, N] are contiguous."""
    rows, depth = x.shape
    columns = w.shape[0]
    grid = (triton.cdiv(rows, tiling.rows) * (columns // tiling.columns), tiling.split)
    product_kernel[grid](x, w, y, 1.0, rows, columns, depth, tiling.rows, tiling.columns, tiling.depth, tiling.split,
                         num_warps=tiling.warps, num_stages=tiling.stages)


@triton.jit
def copy_kernel(source, target, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(target + at, tl.load(source + at))


@triton.jit
def read_kernel(source, sums, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(sums + tl.program_id(0), tl.sum(tl.load(source + at)))


def copy(source, target, block, warps):
    """Copies int32 elements, a multiple of `block`."""
    copy_kernel[(source.numel() // block,)](source, target, block, num_warps=warps)


def read(source, sums, block, warps):
    """Reads int32 elements, a multiple of `block`, and leaves the sum of each block, modulo 2^32."""
    read_kernel[(source.numel() // block,)](source, sums, block, num_warps=warps)


def sums_of(source, block):
    """What `read` must leave."""
    return source.view(-1, block).sum(dim=1, dtype=torch.int64).to(torch.int32)
