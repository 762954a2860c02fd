package org.sparkao.jobs.bench;

import java.util.List;
import java.util.Locale;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.gemm.CudaGemms;
import org.sparkao.gpu.gemm.DecodeGemm;
import org.sparkao.gpu.gemm.Gemm;
import org.sparkao.gpu.gemm.GemmCall;
import org.sparkao.gpu.gemm.GemmWeights;
import org.sparkao.gpu.gemm.PrefillGemm;
import org.sparkao.gpu.gemm.ReferenceDecodeGemm;
import org.sparkao.gpu.gemm.ReferencePrefillGemm;
import org.sparkao.gpu.gemm.ReferenceSparseGemm;
import org.sparkao.gpu.gemm.WeightMatrix;
import org.sparkao.gpu.module.KernelLibrary;

/** The families of kernels, seen alike. */
enum GemmFamily {
  /** Few rows. */
  DECODE(List.of(1, 4, 8, 16, 32, 64, 128), 24) {
    @Override
    void check(Gemm gemm) {
      // Every product has kernels.
    }

    @Override
    Multiplier onGpu(KernelLibrary library) {
      return of(CudaGemms.decode(library));
    }

    @Override
    Multiplier reference() {
      return of(new ReferenceDecodeGemm());
    }
  },
  /** Many rows; X is tiled in every product. */
  PREFILL(List.of(2048, 4096), 4) {
    @Override
    void check(Gemm gemm) {
      PrefillGemm.check(gemm);
    }

    @Override
    Multiplier onGpu(KernelLibrary library) {
      return of(CudaGemms.prefill(library));
    }

    @Override
    Multiplier reference() {
      return of(new ReferencePrefillGemm());
    }
  },
  /** Many rows with 2:4 weights, on Hopper; X is tiled in every product. */
  SPARSE(List.of(2048, 4096), 4) {
    @Override
    void check(Gemm gemm) {
      PrefillGemm.checkSparse(gemm);
    }

    @Override
    boolean sparse() {
      return true;
    }

    @Override
    Multiplier onGpu(KernelLibrary library) {
      return of(CudaGemms.sparse(library));
    }

    @Override
    Multiplier reference() {
      return of(new ReferenceSparseGemm());
    }
  };

  private final List<Integer> rows;
  private final int calls;

  GemmFamily(List<Integer> rows, int calls) {
    this.rows = rows;
    this.calls = calls;
  }

  /** Multiplies. */
  interface Multiplier {
    /** Lays a weight out. */
    GemmWeights prepare(Gemm gemm, WeightMatrix matrix);

    /** Memory that a product needs, at least 1 byte. */
    long workspaceBytes(Gemm gemm, int m);

    /** Multiplies. */
    void multiply(GemmWeights weights, GemmCall call, Buffer workspace);

    /** How. */
    String plan(GemmWeights weights, int m);
  }

  /** Refuses what its kernels lack, with an IllegalArgumentException. */
  abstract void check(Gemm gemm);

  /** Whether weights are 2:4. */
  boolean sparse() {
    return false;
  }

  abstract Multiplier onGpu(KernelLibrary library);

  abstract Multiplier reference();

  /** The name on the command line. */
  String configName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Rows of activations when none are given. */
  List<Integer> rows() {
    return rows;
  }

  /** Products of a chain, at least: as many as the benches of the kernels time. */
  int calls() {
    return calls;
  }

  private static Multiplier of(DecodeGemm decode) {
    return new Multiplier() {
      @Override
      public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
        return decode.prepare(gemm, matrix);
      }

      @Override
      public long workspaceBytes(Gemm gemm, int m) {
        return 1;
      }

      @Override
      public void multiply(GemmWeights weights, GemmCall call, Buffer workspace) {
        decode.multiply(weights, call);
      }

      @Override
      public String plan(GemmWeights weights, int m) {
        return decode.plan(weights, m);
      }
    };
  }

  private static Multiplier of(PrefillGemm prefill) {
    return new Multiplier() {
      @Override
      public GemmWeights prepare(Gemm gemm, WeightMatrix matrix) {
        return prefill.prepare(gemm, matrix);
      }

      @Override
      public long workspaceBytes(Gemm gemm, int m) {
        return prefill.workspaceBytes(gemm, m);
      }

      @Override
      public void multiply(GemmWeights weights, GemmCall call, Buffer workspace) {
        prefill.multiply(weights, call, workspace);
      }

      @Override
      public String plan(GemmWeights weights, int m) {
        return prefill.plan(weights, m) + "; X tiled in the time";
      }
    };
  }
}
