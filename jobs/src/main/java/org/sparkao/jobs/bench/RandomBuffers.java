package org.sparkao.jobs.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.Overflow;

/** Memory of a device with random numbers in it, the same for a seed. Closing frees all of it. */
final class RandomBuffers implements AutoCloseable {
  /** Elements that are written over and over. */
  private static final int PATTERN_ELEMENTS = 1 << 20;

  /** Neighbours of which two are zero in sparse numbers. */
  private static final int GROUP = 4;

  private final Device device;
  private final Random random;
  private final List<Buffer> taken = new ArrayList<>();

  RandomBuffers(Device device, long seed) {
    this.device = device;
    this.random = new Random(seed);
  }

  /** Where numbers come from. */
  Random random() {
    return random;
  }

  /** Normal numbers: how fast a GPU multiplies depends on what it multiplies, by its power. */
  Buffer normal(NumberFormat format, double deviation, long count) {
    return numbers(format, count, i -> (float) (deviation * random.nextGaussian()));
  }

  /** The same, but two of each four are zero, any two. */
  Buffer sparse(NumberFormat format, double deviation, long count) {
    int[] zeros = new int[2];
    return numbers(
        format,
        count,
        i -> {
          if (i % GROUP == 0) {
            zeros[0] = random.nextInt(GROUP);
            zeros[1] = (zeros[0] + 1 + random.nextInt(GROUP - 1)) % GROUP;
          }
          boolean zero = i % GROUP == zeros[0] || i % GROUP == zeros[1];
          return zero ? 0 : (float) (deviation * random.nextGaussian());
        });
  }

  private Buffer numbers(NumberFormat format, long count, IntToFloat number) {
    int elements = (int) Math.min(PATTERN_ELEMENTS, count);
    ByteBuffer pattern = bytes(elements * format.bits() / Byte.SIZE);
    for (int i = 0; i < elements; i++) {
      int code = format.encode(number.at(i), Overflow.SATURATE);
      if (format.bits() == Byte.SIZE) {
        pattern.put((byte) code);
      } else {
        pattern.putShort((short) code);
      }
    }
    return repeated(pattern.array(), count * format.bits() / Byte.SIZE);
  }

  /** The number at a place. */
  private interface IntToFloat {
    float at(int index);
  }

  /** fp32 numbers, evenly spread. */
  Buffer floats(long count, double least, double most) {
    ByteBuffer bytes = bytes(Math.toIntExact(Float.BYTES * count));
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) (least + (most - least) * random.nextFloat()));
    }
    return copy(bytes.flip());
  }

  /** Any bytes. */
  Buffer codes(long count) {
    byte[] pattern = new byte[(int) Math.min(PATTERN_ELEMENTS, count)];
    random.nextBytes(pattern);
    return repeated(pattern, count);
  }

  /** What remains of some bytes. */
  Buffer copy(ByteBuffer bytes) {
    Buffer buffer = take(bytes.remaining());
    device.write(buffer, 0, bytes);
    return buffer;
  }

  /** The contents of a buffer of any device. */
  Buffer copyOf(Buffer from) {
    ByteBuffer bytes = bytes(Math.toIntExact(from.bytes()));
    from.device().read(from, 0, bytes);
    return copy(bytes);
  }

  /** Undefined contents. */
  Buffer take(long bytes) {
    Buffer buffer = device.allocate(bytes);
    taken.add(buffer);
    return buffer;
  }

  /** Bytes of this machine, in the order of devices. */
  static ByteBuffer bytes(int count) {
    return ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
  }

  private Buffer repeated(byte[] pattern, long count) {
    Buffer buffer = take(count);
    for (long at = 0; at < count; at += pattern.length) {
      int bytes = (int) Math.min(pattern.length, count - at);
      device.write(buffer, at, ByteBuffer.wrap(pattern, 0, bytes));
    }
    return buffer;
  }

  @Override
  public void close() {
    taken.forEach(Buffer::close);
  }
}
