"""The shapes that every figure is about, and what they cost at least. Needs the standard library alone."""

# (name, N, K): weights are [N, K], K contiguous; Y [M, N] = X [M, K] W^T.
DECODE = (
    ("70B o_proj", 8192, 8192),
    ("70B qkv", 10240, 8192),
    ("70B gate+up", 57344, 8192),
    ("70B down", 8192, 28672),
    ("8B o_proj", 4096, 4096),
    ("8B qkv", 6144, 4096),
    ("8B gate+up", 28672, 4096),
    ("8B down", 4096, 14336),
)
ROWS = (1, 4, 8, 16, 32, 64, 128)
QUICK_ROWS = (1, 16, 64)

# (name, M, N, K) of prefill.
LARGE = ("large", 4096, 8192, 8192)


def operations(m, n, k):
    """Floating-point operations of one product."""
    return 2 * m * n * k


def moved_bytes(m, n, k, weight_bits, input_bytes, output_bytes):
    """Bytes that must be read and written once."""
    return n * k * weight_bits / 8 + m * k * input_bytes + m * n * output_bytes
