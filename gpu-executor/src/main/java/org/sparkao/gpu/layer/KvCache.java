package org.sparkao.gpu.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.Device;

/**
 * Keys and values of past tokens, each [sequences, capacity, key heads, dimension], dimension
 * contiguous.
 *
 * @param type what a number is stored as
 * @param scales of the codes; absent for fp32 and bf16
 * @param sequences places for sequences
 * @param capacity positions of a sequence
 */
public record KvCache(
    Type type, Buffer keys, Buffer values, Optional<Scales> scales, int sequences, int capacity) {

  /** Checks that codes, and codes alone, have scales. */
  public KvCache {
    LayerShapes.checkPositive("sequences", sequences);
    LayerShapes.checkPositive("capacity", capacity);
    if (scales.isPresent() != type.isCoded()) {
      throw new IllegalArgumentException(
          "a cache of " + type + (scales.isPresent() ? " has no scales" : " needs scales"));
    }
  }

  /** What a number of the cache is stored as. */
  public enum Type {
    /** As it is; on the CPU alone. */
    FP32,
    /** As it is, or rounded to nearest even. */
    BF16,
    /** rint(x / scale), within -127 .. 127; a scale of a token and head is amax / 127. */
    INT8,
    /** e4m3fn of x / scale, saturating; a scale of a token and head is amax / 448. */
    FP8;

    /** Bytes of a number. */
    public int bytes() {
      return switch (this) {
        case FP32 -> Float.BYTES;
        case BF16 -> Short.BYTES;
        case INT8, FP8 -> Byte.BYTES;
      };
    }

    /** Whether numbers are codes that have scales. */
    public boolean isCoded() {
      return this == INT8 || this == FP8;
    }

    /** As kernels are named. */
    String kernelName() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * fp32 scales of codes: x = code * scale.
   *
   * @param keys [sequences, key heads, capacity], or [1]
   * @param values likewise
   * @param perToken whether append writes a scale for every token and head (1 where all elements
   *     are zero), or reads the one that is given for all
   */
  public record Scales(Buffer keys, Buffer values, boolean perToken) {}

  /**
   * Takes memory for a cache, codes with a scale a token and head; {@link #release} gives it back.
   */
  public static KvCache take(
      Device device, Type type, HeadShape shape, int sequences, int capacity) {
    long slots = slots(shape, sequences, capacity);
    long bytes = slots * shape.dimension() * type.bytes();
    List<Buffer> taken = new ArrayList<>();
    try {
      taken.add(device.allocate(bytes));
      taken.add(device.allocate(bytes));
      Optional<Scales> scales = Optional.empty();
      if (type.isCoded()) {
        taken.add(device.allocate(Float.BYTES * slots));
        taken.add(device.allocate(Float.BYTES * slots));
        scales = Optional.of(new Scales(taken.get(2), taken.get(3), true));
      }
      return new KvCache(type, taken.get(0), taken.get(1), scales, sequences, capacity);
    } catch (RuntimeException e) {
      taken.forEach(Buffer::close);
      throw e;
    }
  }

  /** Bytes that {@link #take} takes. */
  public static long bytes(Type type, HeadShape shape, int sequences, int capacity) {
    long each = (long) shape.dimension() * type.bytes() + (type.isCoded() ? Float.BYTES : 0);
    return 2 * slots(shape, sequences, capacity) * each;
  }

  private static long slots(HeadShape shape, int sequences, int capacity) {
    return (long) sequences * capacity * shape.keyHeads();
  }

  /** Gives the memory back. */
  public void release() {
    keys.close();
    values.close();
    scales.ifPresent(of -> of.keys().close());
    scales.ifPresent(of -> of.values().close());
  }

  /** Refuses buffers that are too small for heads of this shape. */
  void check(HeadShape shape) {
    long slots = slots(shape, sequences, capacity);
    LayerShapes.checkBytes("keys", keys, slots * shape.dimension(), type.bytes());
    LayerShapes.checkBytes("values", values, slots * shape.dimension(), type.bytes());
    if (scales.isPresent()) {
      long count = perToken() ? slots : 1;
      LayerShapes.checkBytes("scales of keys", scales.get().keys(), count, Float.BYTES);
      LayerShapes.checkBytes("scales of values", scales.get().values(), count, Float.BYTES);
    }
  }

  boolean perToken() {
    return scales.map(Scales::perToken).orElse(false);
  }

  Optional<Buffer> keyScales() {
    return scales.map(Scales::keys);
  }

  Optional<Buffer> valueScales() {
    return scales.map(Scales::values);
  }
}
