package org.sparkao.jobs.bench;

import java.util.List;
import org.sparkao.gpu.gemm.Gemm;

/**
 * What is timed: a weight with several numbers of rows.
 *
 * @param family of kernels
 * @param gemm the product
 * @param rows M, each a time
 */
record GemmTrial(GemmFamily family, Gemm gemm, List<Integer> rows) {
  GemmTrial {
    rows = List.copyOf(rows);
  }

  int mostRows() {
    return rows.stream().mapToInt(Integer::intValue).max().orElseThrow();
  }
}
