package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.Buffer;

/** Plain Java in double. */
public final class ReferencePrefillAttention implements PrefillAttention {
  @Override
  public void attend(Buffer qkv, HeadShape shape, Batch batch, Buffer out) {
    batch.check(qkv, shape, out);
    Bf16Array x = new Bf16Array(qkv);
    Bf16Array y = new Bf16Array(out);
    HostSequences sequences = new HostSequences(batch);
    for (int sequence = 0; sequence < sequences.count(); sequence++) {
      for (int at = sequences.before(sequence); at < sequences.length(sequence); at++) {
        int[] tokens = new int[at + 1];
        for (int i = 0; i <= at; i++) {
          tokens[i] = sequences.token(sequence, i);
        }
        for (int head = 0; head < shape.queryHeads(); head++) {
          attend(x, y, shape, head, tokens);
        }
      }
    }
  }

  /** Attention of the last of some tokens to all of them. */
  private static void attend(Bf16Array x, Bf16Array y, HeadShape shape, int head, int[] tokens) {
    int token = tokens[tokens.length - 1];
    int dimension = shape.dimension();
    int key = shape.queryHeads() + head / shape.ratio();
    int value = key + shape.keyHeads();
    double[] result =
        ReferenceAttention.attend(
            head(x, shape, token, head),
            shape.scale(),
            tokens.length,
            position -> head(x, shape, tokens[position], key),
            position -> head(x, shape, tokens[position], value));
    ReferenceAttention.write(
        y, (long) token * shape.queryElements() + (long) head * dimension, result);
  }

  private static double[] head(Bf16Array x, HeadShape shape, int token, int head) {
    long first = (long) token * shape.rowElements() + (long) head * shape.dimension();
    return ReferenceAttention.head(x, first, shape.dimension());
  }
}
