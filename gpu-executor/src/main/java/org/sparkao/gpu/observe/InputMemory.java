package org.sparkao.gpu.observe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.device.PinnedBuffer;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.MagnitudeHistogram;
import org.sparkao.quant.observe.Workers;

/** What was seen of one input, on the device: {@link InputSums} there. */
final class InputMemory implements AutoCloseable {
  /** Of finite magnitudes. */
  private static final int BINS = 255 * InputObserver.BINS_PER_OCTAVE;

  /** Numbers that one core takes from pinned memory at a time. */
  private static final int PIECE = 1 << 18;

  private final int k;
  private final Buffer extremes;
  private final Buffer sums;
  private final Buffer counts;
  private final Optional<Buffer> products;
  private long tokens;

  private InputMemory(Buffer small, int k, Optional<Buffer> products) {
    this.k = k;
    long sumsAt = aligned(2L * Float.BYTES * k);
    long countsAt = sumsAt + aligned(2L * Double.BYTES * k);
    this.extremes = small;
    this.sums = small.slice(sumsAt, 2L * Double.BYTES * k);
    this.counts = small.slice(countsAt, 2L * Long.BYTES * BINS);
    this.products = products;
  }

  /** Takes memory and clears it; the caller closes it. */
  static InputMemory of(ObserveKernels kernels, int k, Products wanted) {
    Device device = kernels.library().device();
    Buffer small = device.allocate(smallBytes(k));
    Optional<Buffer> products = Optional.empty();
    try {
      if (wanted == Products.SUMMED) {
        products = Optional.of(device.allocate(productBytes(k)));
      }
      InputMemory memory = new InputMemory(small, k, products);
      kernels.clear(memory);
      return memory;
    } catch (RuntimeException e) {
      products.ifPresent(Buffer::close);
      small.close();
      throw e;
    }
  }

  /** Bytes of the device that it takes. */
  static long bytes(int k, Products wanted) {
    return smallBytes(k) + (wanted == Products.SUMMED ? productBytes(k) : 0);
  }

  private static long smallBytes(int k) {
    return aligned(2L * Float.BYTES * k) + aligned(2L * Double.BYTES * k) + 2L * Long.BYTES * BINS;
  }

  private static long productBytes(int k) {
    return (long) Float.BYTES * ObserveKernels.pitch(k) * ObserveKernels.pitch(k);
  }

  private static long aligned(long bytes) {
    return (bytes + 255) / 256 * 256;
  }

  int k() {
    return k;
  }

  /** fp32 [2, K]: smallest, largest. */
  Buffer extremes() {
    return extremes;
  }

  /** fp64 [2, K]: of |x|, of x^2. */
  Buffer sums() {
    return sums;
  }

  /** int64 [2, bins]: of magnitudes, of the largest of each row. */
  Buffer counts() {
    return counts;
  }

  /** fp32 [pitch, pitch], upper tiles. */
  Optional<Buffer> products() {
    return products;
  }

  void addTokens(long count) {
    tokens += count;
  }

  long tokens() {
    return tokens;
  }

  /**
   * Copies it to the host.
   *
   * @param staged memory that large parts go through
   */
  InputSums read(ObserveKernels kernels, PinnedBuffer staged) {
    float[] ends = floats(extremes, 2 * k, staged);
    double[] both = new double[2 * k];
    bytes(sums, Double.BYTES * both.length).asDoubleBuffer().get(both);
    long[] counted = new long[2 * BINS];
    bytes(counts, Long.BYTES * counted.length).asLongBuffer().get(counted);
    return new InputSums(
        tokens,
        tokens,
        Arrays.copyOf(ends, k),
        Arrays.copyOfRange(ends, k, 2 * k),
        Arrays.copyOf(both, k),
        Arrays.copyOfRange(both, k, 2 * k),
        histogram(Arrays.copyOf(counted, BINS)),
        histogram(Arrays.copyOfRange(counted, BINS, 2 * BINS)),
        products.map(h -> whole(kernels, h, staged)));
  }

  private static MagnitudeHistogram histogram(long[] counts) {
    return MagnitudeHistogram.of(InputObserver.BINS_PER_OCTAVE, 0, counts);
  }

  private float[] whole(ObserveKernels kernels, Buffer h, PinnedBuffer staged) {
    try (Buffer symmetric = h.device().allocate((long) Float.BYTES * k * k)) {
      kernels.symmetric(symmetric, h, k);
      return floats(symmetric, k * k, staged);
    }
  }

  private static ByteBuffer bytes(Buffer from, int count) {
    ByteBuffer bytes = ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
    from.device().read(from, 0, bytes);
    return bytes;
  }

  static float[] floats(Buffer from, int count, PinnedBuffer staged) {
    float[] values = new float[count];
    ByteBuffer bytes = staged.buffer();
    FloatBuffer numbers = bytes.asFloatBuffer();
    int most = numbers.capacity();
    for (int first = 0; first < count; first += most) {
      int begin = first;
      int some = Math.min(most, count - first);
      from.device().read(from, (long) Float.BYTES * first, bytes.limit(Float.BYTES * some));
      Workers.ALL_CORES.run(
          (some + PIECE - 1) / PIECE,
          piece -> {
            int at = PIECE * piece;
            numbers.get(at, values, begin + at, Math.min(PIECE, some - at));
          });
    }
    return values;
  }

  @Override
  public void close() {
    products.ifPresent(Buffer::close);
    extremes.close();
  }
}
