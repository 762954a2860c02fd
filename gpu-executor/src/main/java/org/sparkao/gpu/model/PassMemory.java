package org.sparkao.gpu.model;

import java.util.ArrayDeque;
import java.util.Deque;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.TokenSampler;

/** What a pass writes between its operators; taken once, for the largest pass. */
final class PassMemory implements AutoCloseable {
  /** Rows of the head that are no few are a multiple of it: products work on whole tiles. */
  private static final int TILE = 128;

  /** The most that logits take at a time: enough rows for a product to be fast. */
  private static final long LOGITS_BYTES = 64L << 20;

  private static final long LOGITS_BYTES_ON_GPU = 512L << 20;

  private final Device device;
  private final Deque<Buffer> all = new ArrayDeque<>();
  private final Sizes sizes;
  private final Buffer ids;
  private final Buffer positions;
  private final Buffer places;
  private final Buffer boundaries;
  private final Buffer prefixes;
  private final Buffer scoredRows;
  private final Buffer targets;
  private final Buffer hidden;
  private final Buffer qkv;
  private final Buffer attended;
  private final Buffer inner;
  private final Buffer picked;
  private final Buffer logits;
  private final Buffer logProbabilities;
  private final Buffer greedy;
  private final Buffer draws;
  private final Buffer next;

  /**
   * How large buffers are.
   *
   * @param rows of a pass
   * @param headRows of a pass of the head
   * @param config of the model
   * @param numberBytes of a hidden state's element
   */
  record Sizes(int rows, int headRows, ModelConfig config, int numberBytes) {
    static Sizes of(ModelConfig config, int rows, ModelOperators operators) {
      Arithmetic arithmetic = operators.arithmetic();
      boolean onGpu = operators.device().info().kind() == DeviceInfo.Kind.CUDA;
      long rowBytes = (long) Float.BYTES * config.sizes().vocabulary();
      long fit = (onGpu ? LOGITS_BYTES_ON_GPU : LOGITS_BYTES) / rowBytes;
      int headRows = (int) Math.max(1, Math.min(rows, fit));
      int whole = headRows < TILE ? headRows : headRows / TILE * TILE;
      return new Sizes(rows, whole, config, arithmetic.bytes());
    }

    long hiddenBytes(long rows) {
      return rows * config.sizes().hidden() * numberBytes;
    }

    long qkvBytes() {
      return (long) rows * config.heads().rowElements() * numberBytes;
    }

    long attendedBytes(long rows) {
      return rows * config.heads().queryElements() * numberBytes;
    }

    /** Mixtures keep their own. */
    long innerBytes(long rows) {
      return config.experts().isPresent() ? 1 : rows * config.sizes().intermediate() * numberBytes;
    }

    long logitsBytes() {
      return (long) Float.BYTES * headRows * config.sizes().vocabulary();
    }

    /** Bytes of all buffers. */
    long bytes() {
      long numbers = (11L + TokenSampler.ROW_WORDS) * rows + 1;
      return hiddenBytes((long) rows + headRows)
          + qkvBytes()
          + attendedBytes(rows)
          + innerBytes(rows)
          + logitsBytes()
          + Integer.BYTES * numbers;
    }
  }

  PassMemory(Device device, Sizes sizes) {
    this.device = device;
    this.sizes = sizes;
    try {
      this.ids = ints(sizes.rows);
      this.positions = ints(sizes.rows);
      this.places = ints(sizes.rows);
      this.boundaries = ints(sizes.rows + 1);
      this.prefixes = ints(2L * sizes.rows);
      this.scoredRows = ints(sizes.rows);
      this.targets = ints(sizes.rows);
      this.hidden = take(sizes.hiddenBytes(sizes.rows));
      this.qkv = take(sizes.qkvBytes());
      this.attended = take(sizes.attendedBytes(sizes.rows));
      this.inner = take(sizes.innerBytes(sizes.rows));
      this.picked = take(sizes.hiddenBytes(sizes.headRows));
      this.logits = take(sizes.logitsBytes());
      this.logProbabilities = ints(sizes.rows);
      this.greedy = ints(sizes.rows);
      this.draws = ints(Math.multiplyExact(TokenSampler.ROW_WORDS, sizes.rows));
      this.next = ints(sizes.rows);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private Buffer ints(long count) {
    return take(Integer.BYTES * count);
  }

  private Buffer take(long bytes) {
    Buffer buffer = device.allocate(bytes);
    all.push(buffer);
    return buffer;
  }

  int rows() {
    return sizes.rows();
  }

  int headRows() {
    return sizes.headRows();
  }

  /** Ids of tokens. */
  Buffer ids() {
    return ids;
  }

  Buffer positions() {
    return positions;
  }

  Buffer places() {
    return places;
  }

  /** Boundaries of sequences, or their lengths. */
  Buffer boundaries() {
    return boundaries;
  }

  /** [sequences, 2]: what comes before each. */
  Buffer prefixes() {
    return prefixes;
  }

  /** Rows of the residual stream that the head reads. */
  Buffer scoredRows() {
    return scoredRows;
  }

  /** A token for each of them. */
  Buffer targets() {
    return targets;
  }

  /** [rows, hidden]: the residual stream. */
  Buffer hidden() {
    return hidden;
  }

  Buffer qkv() {
    return qkv;
  }

  Buffer attended() {
    return attended;
  }

  /** [rows, intermediate]: between gate and down. */
  Buffer inner() {
    return inner;
  }

  /** [headRows, hidden]: what the head reads. */
  Buffer picked() {
    return picked;
  }

  /** [headRows, vocabulary] fp32. */
  Buffer logits() {
    return logits;
  }

  /** Of all rows that the head reads. */
  ModelOperators.TokenScores scores() {
    return new ModelOperators.TokenScores(logProbabilities, greedy);
  }

  /** [rows, 4]: what the next tokens are drawn with. */
  Buffer draws() {
    return draws;
  }

  /** [rows]: the next tokens. */
  Buffer next() {
    return next;
  }

  HeadShape heads() {
    return sizes.config().heads();
  }

  ModelConfig.Sizes model() {
    return sizes.config().sizes();
  }

  /** Bytes of so many rows of the residual stream. */
  long hiddenBytes(int rows) {
    return sizes.hiddenBytes(rows);
  }

  /** Bytes of so many rows of what attention gives. */
  long attendedBytes(int rows) {
    return sizes.attendedBytes(rows);
  }

  /** Bytes of so many rows between gate and down. */
  long innerBytes(int rows) {
    return sizes.innerBytes(rows);
  }

  @Override
  public void close() {
    while (!all.isEmpty()) {
      all.pop().close();
    }
  }
}
