package org.sparkao.quant.gguf;

/** Encodes rows of values as blocks of one type. For one thread. */
public final class RowEncoder {
  private final GgufType type;
  private final BlockEncoder blocks;

  RowEncoder(GgufType type, BlockEncoder blocks) {
    this.type = type;
    this.blocks = blocks;
  }

  /**
   * Encodes finite values, whole rows one after the other.
   *
   * @param count values from the first on; whole blocks
   * @return bytes written to the begin of {@code out}
   */
  public int encode(float[] values, int count, byte[] out) {
    int bytes = Math.toIntExact(type.bytes(count));
    int at = 0;
    for (int from = 0; from < count; from += type.blockSize()) {
      blocks.encode(values, from, out, at);
      at += type.blockBytes();
    }
    return bytes;
  }
}
