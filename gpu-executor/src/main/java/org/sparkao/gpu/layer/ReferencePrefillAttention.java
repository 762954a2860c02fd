package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain Java in double. */
public final class ReferencePrefillAttention implements PrefillAttention {
  @Override
  public void attend(Buffer qkv, HeadShape shape, Batch batch, Buffer out) {
    batch.check(qkv, shape, out);
    Bf16Array x = new Bf16Array(qkv);
    Bf16Array y = new Bf16Array(out);
    ByteBuffer boundaries = CpuDevice.bytes(batch.boundaries());
    for (int sequence = 0; sequence < batch.sequences(); sequence++) {
      int begin = boundaries.getInt(Integer.BYTES * sequence);
      int end = boundaries.getInt(Integer.BYTES * (sequence + 1));
      for (int token = begin; token < end; token++) {
        for (int head = 0; head < shape.queryHeads(); head++) {
          attend(x, y, shape, head, begin, token);
        }
      }
    }
  }

  private static void attend(
      Bf16Array x, Bf16Array y, HeadShape shape, int head, int begin, int token) {
    int dimension = shape.dimension();
    int key = shape.queryHeads() + head / shape.ratio();
    int value = key + shape.keyHeads();
    double[] result =
        ReferenceAttention.attend(
            head(x, shape, token, head),
            shape.scale(),
            token - begin + 1,
            position -> head(x, shape, begin + position, key),
            position -> head(x, shape, begin + position, value));
    ReferenceAttention.write(
        y, (long) token * shape.queryElements() + (long) head * dimension, result);
  }

  private static double[] head(Bf16Array x, HeadShape shape, int token, int head) {
    long first = (long) token * shape.rowElements() + (long) head * shape.dimension();
    return ReferenceAttention.head(x, first, shape.dimension());
  }
}
