package org.sparkao.gpu.layer;

import java.nio.ByteBuffer;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;

/** Plain Java. */
public final class ReferenceEmbedding implements Embedding {
  @Override
  public void gather(Table table, Buffer ids, Buffer y, int rows) {
    table.check(ids, y, rows);
    ByteBuffer wanted = CpuDevice.bytes(ids);
    Bf16Array in = new Bf16Array(table.values());
    Bf16Array out = new Bf16Array(y);
    for (int row = 0; row < rows; row++) {
      int id = wanted.getInt(Integer.BYTES * row);
      boolean known = id >= 0 && id < table.vocabulary();
      for (int i = 0; i < table.columns(); i++) {
        float value = known ? in.get((long) id * table.columns() + i) : Float.NaN;
        out.put((long) row * table.columns() + i, value);
      }
    }
  }
}
