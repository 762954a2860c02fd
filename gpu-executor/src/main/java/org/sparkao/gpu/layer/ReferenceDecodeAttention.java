package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain Java in double; needs no working memory. */
public final class ReferenceDecodeAttention implements DecodeAttention {
  @Override
  public long workspaceBytes(HeadShape shape, KvCache.Type type, Batch batch) {
    return 1;
  }

  @Override
  public void attend(Buffer qkv, HeadShape shape, KvCache cache, Batch batch, Output out) {
    out.check(qkv, shape, cache, batch);
    Bf16Array x = new Bf16Array(qkv);
    Bf16Array y = new Bf16Array(out.values());
    ByteBuffer lengths = CpuDevice.bytes(batch.lengths());
    ReferenceKvCache keys = ReferenceKvCache.keys(cache, shape);
    ReferenceKvCache values = ReferenceKvCache.values(cache, shape);
    for (int row = 0; row < batch.sequences(); row++) {
      int sequence = row;
      int length = lengths.getInt(Integer.BYTES * row);
      for (int head = 0; head < shape.queryHeads(); head++) {
        int keyHead = head / shape.ratio();
        long column = (long) head * shape.dimension();
        double[] query =
            ReferenceAttention.head(
                x, (long) row * shape.rowElements() + column, shape.dimension());
        double[] result =
            ReferenceAttention.attend(
                query,
                shape.scale(),
                length,
                position -> keys.read(sequence, position, keyHead),
                position -> values.read(sequence, position, keyHead));
        ReferenceAttention.write(y, (long) row * shape.queryElements() + column, result);
      }
    }
  }
}
