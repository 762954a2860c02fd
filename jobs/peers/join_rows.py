"""Data of the runs in results/train-length-h200.json: rows of one length, joined of generated ones, and windows of a text.

    join_rows.py --output DIR --length 2048 --tokens 13200000 --text FILE --share 0.15 --tokenizer tokenizer.json PARQUET...

`generate` writes a sample a row, and `train` cuts each row by itself: to train at longer sequences than were generated, rows
are joined here, at random. Longer ones are cut. Windows of --text, at random offsets, are --share of all rows. Rows are
shuffled; where there are too few generated ones they come again, and that is said. Needs numpy, pyarrow and tokenizers.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer


def generated(path, length, random):
    """Rows of a file of `generate --ignore-end`, [n, length]."""
    column = pq.read_table(path, columns=["token_ids"]).column(0).combine_chunks()
    rows = column.values.to_numpy(zero_copy_only=False).reshape(len(column), -1)
    rows = rows[random.permutation(len(rows))]
    width = rows.shape[1]
    if width < length:
        times = length // width
        return rows[: len(rows) // times * times].reshape(-1, width * times)[:, :length]
    times = width // length
    return rows[:, : times * length].reshape(-1, length)


def windows(path, tokenizer, length, count, random):
    """Windows of a text, [count, length]; every pass over it begins elsewhere."""
    encoded = Tokenizer.from_file(tokenizer).encode(Path(path).read_text(), add_special_tokens=False)
    ids = np.array(encoded.ids, np.int32)
    starts = []
    while len(starts) < count:
        starts += range(random.integers(0, length), len(ids) - length, length)
    starts = np.array(starts)[random.permutation(len(starts))][:count]
    return np.stack([ids[start : start + length] for start in starts])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parquet", nargs="+", help="files of generate")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--tokens", type=int, required=True, help="of all rows")
    parser.add_argument("--text", required=True)
    parser.add_argument("--share", type=float, required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random, length = np.random.default_rng(options.seed), options.length
    count = options.tokens // length
    from_text = int(count * options.share)
    rows = np.concatenate([generated(path, length, random) for path in options.parquet])
    rows = rows[random.permutation(len(rows))]
    wanted = count - from_text
    if wanted > len(rows):
        print(f"{len(rows)} generated rows of {wanted} wanted: they come again")
        rows = np.concatenate([rows] * -(-wanted // len(rows)))
    parts = [rows[:wanted]]
    if from_text:
        parts.append(windows(options.text, options.tokenizer, length, from_text, random))
    rows = np.concatenate(parts).astype(np.int32)
    rows = rows[random.permutation(len(rows))]
    if rows.shape[1] != length:
        raise SystemExit(f"--length {length}: generated rows do not fill it")
    options.output.mkdir(parents=True, exist_ok=True)
    offsets = pa.array(np.arange(0, rows.size + 1, length, dtype=np.int32))
    table = pa.table({"token_ids": pa.ListArray.from_arrays(offsets, pa.array(rows.ravel()))})
    pq.write_table(table, options.output / "part-00000.parquet", compression="zstd")
    print(f"{len(rows)} rows of {length} tokens, {from_text} of them from {options.text}")


if __name__ == "__main__":
    main()
