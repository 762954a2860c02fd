package org.sparkao.gpu.gemm;

/** What prepared weights look like on a GPU. */
sealed interface TileLayout {
  /** As messages name it. */
  String label();

  /** {@code gemm_int4/layout.cuh}; codes for 16-bit activations, or for E4M3. */
  record Int4(ElementType x) implements TileLayout {
    @Override
    public String label() {
      return "int4 with " + x + " activations";
    }
  }

  /** Tiles of so many rows, a multiple of 32, each a stream along K: decode and prefill. */
  sealed interface Dense extends TileLayout {
    /** Rows of a tile. */
    int tileRows();
  }

  /** {@code gemm_decode/layout.cuh}; prefill reads it too. */
  record Decode(DecodeTiling tiling) implements Dense {
    @Override
    public int tileRows() {
      return tiling.tileRows();
    }

    @Override
    public String label() {
      return "decode";
    }
  }

  /** {@code gemm_prefill/tiling.cuh}. */
  record Prefill() implements Dense {
    @Override
    public int tileRows() {
      return PrefillTiles.ROWS;
    }

    @Override
    public String label() {
      return "prefill";
    }
  }

  /** Rows as they come, gate and up by turns: {@code gemm_portable/output.cuh}. */
  record Rows() implements TileLayout {
    @Override
    public String label() {
      return "devices that are no Hopper";
    }
  }

  /** Kept values and their places: {@code gemm_sparse/packing.cuh}. */
  record Sparse() implements TileLayout {
    @Override
    public String label() {
      return "2:4 sparsity";
    }
  }

  /** Prefill tiles of one expert behind the other: {@code gemm_grouped/grouped.cuh}. */
  record Experts(int count) implements TileLayout {
    @Override
    public String label() {
      return count + " experts";
    }
  }
}
