package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;

/** Cosines and sines of all positions on a device. */
public final class RotaryTables implements AutoCloseable {
  private final Buffer cosines;
  private final Buffer sines;
  private final int positions;

  private RotaryTables(Buffer cosines, Buffer sines, int positions) {
    this.cosines = cosines;
    this.sines = sines;
    this.positions = positions;
  }

  /** Bytes of the device that {@link #load} takes. */
  public static long bytes(int dimension, int positions) {
    return (long) Float.BYTES * dimension * positions;
  }

  /**
   * Makes the tables [positions, dimension / 2]; the caller closes them.
   *
   * @param dimension elements of a head
   * @param positions 0 to positions - 1
   */
  public static RotaryTables load(Device device, RopeConfig rope, int dimension, int positions) {
    float[] frequencies = RotaryFrequencies.of(rope, dimension);
    float factor =
        rope.scaling() instanceof RopeConfig.Yarn yarn ? (float) yarn.attentionFactor() : 1;
    int bytes = Math.multiplyExact(Float.BYTES * frequencies.length, positions);
    ByteBuffer cosines = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer sines = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int position = 0; position < positions; position++) {
      for (float frequency : frequencies) {
        double angle = position * frequency;
        cosines.putFloat((float) Math.cos(angle) * factor);
        sines.putFloat((float) Math.sin(angle) * factor);
      }
    }
    Buffer first = upload(device, cosines.flip());
    try {
      return new RotaryTables(first, upload(device, sines.flip()), positions);
    } catch (RuntimeException e) {
      first.close();
      throw e;
    }
  }

  private static Buffer upload(Device device, ByteBuffer bytes) {
    Buffer buffer = device.allocate(bytes.remaining());
    device.write(buffer, 0, bytes);
    return buffer;
  }

  /** As operators take them; valid until this is closed. */
  public ModelOperators.RotaryTable table() {
    return new ModelOperators.RotaryTable(cosines, sines, positions);
  }

  @Override
  public void close() {
    cosines.close();
    sines.close();
  }
}
