package org.sparkao.quant.checkpoint;

import java.io.IOException;

/** Rows [N, K] of a weight in their stored type, K contiguous whatever the order on disk. */
interface RawRows {

  /** Reads rows [rowBegin, rowBegin + rows), counted in the view. */
  void read(long rowBegin, int rows, byte[] target, int offset) throws IOException;
}
