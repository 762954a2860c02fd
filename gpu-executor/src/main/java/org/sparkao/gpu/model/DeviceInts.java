package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;

/** int32 and fp32 numbers to and from a device. */
final class DeviceInts {
  private DeviceInts() {}

  static Buffer allocate(Device device, int count) {
    return device.allocate((long) Integer.BYTES * count);
  }

  static void write(Buffer to, int... values) {
    ByteBuffer bytes = bytes(values.length);
    bytes.asIntBuffer().put(values);
    to.device().write(to, 0, bytes);
  }

  static int[] read(Buffer from, int count) {
    ByteBuffer bytes = bytes(count);
    from.device().read(from, 0, bytes);
    int[] values = new int[count];
    bytes.asIntBuffer().get(values);
    return values;
  }

  static float[] readFloats(Buffer from, int first, int count) {
    ByteBuffer bytes = bytes(count);
    from.device().read(from, (long) Float.BYTES * first, bytes);
    float[] values = new float[count];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocate(Math.multiplyExact(Integer.BYTES, count))
        .order(ByteOrder.LITTLE_ENDIAN);
  }
}
