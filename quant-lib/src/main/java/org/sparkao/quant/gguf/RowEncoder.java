package org.sparkao.quant.gguf;

import java.util.Optional;

/** Encodes rows of values as blocks of one type. For one thread. */
public final class RowEncoder {
  private final GgufType type;
  private final Block blocks;
  private final Optional<Importance> importance;

  RowEncoder(GgufType type, Block blocks, Optional<Importance> importance) {
    this.type = type;
    this.blocks = blocks;
    this.importance = importance;
  }

  /**
   * Encodes finite values, whole rows one after the other.
   *
   * @param count values from the first on; whole blocks
   * @return bytes written to the begin of {@code out}
   */
  public int encode(float[] values, int count, byte[] out) {
    int bytes = Math.toIntExact(type.bytes(count));
    if (importance.isEmpty()) {
      blocks.encodeAll(values, count, type, out);
      return bytes;
    }
    Importance columns = importance.get();
    int at = 0;
    for (int from = 0; from < count; from += type.blockSize()) {
      columns.beginRow(from - from % columns.columns());
      blocks.encode(values, from, columns, out, at);
      at += type.blockBytes();
    }
    return bytes;
  }
}
