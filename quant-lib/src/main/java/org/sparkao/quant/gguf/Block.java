package org.sparkao.quant.gguf;

/** Blocks of one type, written and read. Has scratch space: for one thread. */
interface Block {

  /** Encodes the block of values that begins at {@code from} as the bytes from {@code at} on. */
  void encode(float[] values, int from, byte[] out, int at);

  /** Encodes the first {@code count} values, whole blocks of a type, from the begin of both on. */
  default void encodeAll(float[] values, int count, GgufType type, byte[] out) {
    int at = 0;
    for (int from = 0; from < count; from += type.blockSize()) {
      encode(values, from, out, at);
      at += type.blockBytes();
    }
  }

  /**
   * The same with errors weighted by the columns; types that choose nothing stay as they are.
   *
   * @param importance of the row that the block belongs to, begun
   */
  default void encode(float[] values, int from, Importance importance, byte[] out, int at) {
    encode(values, from, out, at);
  }

  /**
   * What the block of bytes that begins at {@code from} stands for, in fp32 as ggml's reference
   * computes it ({@code dequantize_row_*} of ggml-quants.c), to {@code values} from {@code at} on.
   */
  void decode(byte[] bytes, int from, float[] values, int at);
}
