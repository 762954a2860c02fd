package org.sparkao.quant.checkpoint;

import java.io.IOException;
import org.sparkao.quant.safetensors.ByteSource;

/** Rows that lie on disk as they are asked for. */
final class ContiguousRows implements RawRows {
  private final ByteSource source;
  private final RawHash hash;
  private final long begin;
  private final long rowBytes;

  ContiguousRows(ByteSource source, WeightSource weight, RawHash hash) {
    this.source = source;
    this.hash = hash;
    this.rowBytes = weight.tensor().entry().dtype().bytes(weight.columns());
    long row = weight.view().matrix() * weight.allRows() + weight.view().rowBegin();
    this.begin = weight.tensor().entry().begin() + row * rowBytes;
  }

  @Override
  public void read(long rowBegin, int rows, byte[] target, int offset) throws IOException {
    long position = begin + rowBegin * rowBytes;
    int length = Math.toIntExact(rows * rowBytes);
    source.readFully(position, target, offset, length);
    hash.update(target, offset, length);
  }
}
