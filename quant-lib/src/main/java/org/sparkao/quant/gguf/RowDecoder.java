package org.sparkao.quant.gguf;

/** Decodes rows of blocks of one type. For one thread. */
public final class RowDecoder {
  private final GgufType type;
  private final Block blocks;

  RowDecoder(GgufType type, Block blocks) {
    this.type = type;
    this.blocks = blocks;
  }

  /**
   * Decodes whole blocks.
   *
   * @param bytes blocks from {@code from} on
   * @param values receives {@code count} values from the first on; whole blocks
   */
  public void decode(byte[] bytes, int from, float[] values, int count) {
    int at = from;
    for (int i = 0; i < count; i += type.blockSize()) {
      blocks.decode(bytes, at, values, i);
      at += type.blockBytes();
    }
  }
}
