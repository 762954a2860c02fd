package org.sparkao.quant.algorithm;

import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;

/**
 * Ranges from the bits alone: floats compare like sign-magnitude integers, so flipping the
 * magnitude of negative ones gives integers in the same order. Where a NaN or an infinity turns up
 * the elements are gone through one by one.
 */
final class VectorRange implements RangeKernel {
  private final WeightType type;
  private final RangeKernel plain;

  VectorRange(WeightType type, RangeKernel plain) {
    this.type = type;
    this.plain = plain;
  }

  @Override
  public void extend(byte[] source, int offset, int count, GroupRange range) {
    int lanes = type == WeightType.F32 ? VectorLanes.INTS.length() : VectorLanes.SHORTS.length();
    int whole = count - count % lanes;
    boolean finite =
        whole == 0
            || (type == WeightType.F32
                ? extend32(source, offset, whole, range)
                : extend16(source, offset, whole, range));
    if (finite) {
      plain.extend(source, offset + whole * type.bytes(), count - whole, range);
    } else {
      plain.extend(source, offset, count, range);
    }
  }

  @Override
  public void extendBlock(
      byte[] source, int offset, int count, int rows, int rowBytes, GroupRange range) {
    boolean done =
        type != WeightType.F32
            && count % VectorLanes.SHORTS.length() == 0
            && block16(source, offset, count, rows, rowBytes, range);
    if (!done) {
      RangeKernel.super.extendBlock(source, offset, count, rows, rowBytes, range);
    }
  }

  private boolean extend16(byte[] source, int offset, int count, GroupRange range) {
    return block16(source, offset, count, 1, 0, range);
  }

  /** Leaves {@code range} as it is and returns false where a NaN or an infinity turns up. */
  private boolean block16(
      byte[] source, int offset, int count, int rows, int rowBytes, GroupRange range) {
    ShortVector smallest = ShortVector.broadcast(VectorLanes.SHORTS, Short.MAX_VALUE);
    ShortVector largest = ShortVector.broadcast(VectorLanes.SHORTS, Short.MIN_VALUE);
    int step = 2 * VectorLanes.SHORTS.length();
    int turns = 2 * count / step;
    int skip = rowBytes - 2 * count;
    int at = offset;
    int left = turns;
    // One loop over all rows: vectors that nested loops carry are allocated.
    for (int turn = 0; turn < rows * turns; turn++) {
      ShortVector bits =
          ShortVector.fromByteArray(VectorLanes.SHORTS, source, at, ByteOrder.LITTLE_ENDIAN);
      ShortVector flip = bits.lanewise(VectorOperators.ASHR, 15).and((short) 0x7FFF);
      ShortVector key = bits.lanewise(VectorOperators.XOR, flip);
      smallest = key.min(smallest);
      largest = key.max(largest);
      left--;
      at += left == 0 ? step + skip : step;
      left = left == 0 ? turns : left;
    }
    int low =
        ShortVector.broadcast(VectorLanes.SHORTS, Short.MAX_VALUE)
            .min(smallest)
            .reduceLanes(VectorOperators.MIN);
    int high =
        ShortVector.broadcast(VectorLanes.SHORTS, Short.MIN_VALUE)
            .max(largest)
            .reduceLanes(VectorOperators.MAX);
    int infinity = type == WeightType.BF16 ? 0x7F80 : 0x7C00;
    if (high >= infinity || ~low >= infinity) {
      return false;
    }
    range.add(value16(low));
    range.add(value16(high));
    return true;
  }

  private boolean extend32(byte[] source, int offset, int count, GroupRange range) {
    IntVector smallest = IntVector.broadcast(VectorLanes.INTS, Integer.MAX_VALUE);
    IntVector largest = IntVector.broadcast(VectorLanes.INTS, Integer.MIN_VALUE);
    for (int at = offset; at < offset + 4 * count; at += 32) {
      IntVector bits =
          IntVector.fromByteArray(VectorLanes.INTS, source, at, ByteOrder.LITTLE_ENDIAN);
      IntVector flip = bits.lanewise(VectorOperators.ASHR, 31).and(0x7FFFFFFF);
      IntVector key = bits.lanewise(VectorOperators.XOR, flip);
      smallest = key.min(smallest);
      largest = key.max(largest);
    }
    int low =
        IntVector.broadcast(VectorLanes.INTS, Integer.MAX_VALUE)
            .min(smallest)
            .reduceLanes(VectorOperators.MIN);
    int high =
        IntVector.broadcast(VectorLanes.INTS, Integer.MIN_VALUE)
            .max(largest)
            .reduceLanes(VectorOperators.MAX);
    if (high >= 0x7F800000 || ~low >= 0x7F800000) {
      return false;
    }
    range.add(Float.intBitsToFloat(low < 0 ? low ^ 0x7FFFFFFF : low));
    range.add(Float.intBitsToFloat(high < 0 ? high ^ 0x7FFFFFFF : high));
    return true;
  }

  /** The number whose key is {@code key}. */
  private float value16(int key) {
    int bits = key < 0 ? key ^ 0x7FFF : key;
    return type == WeightType.BF16
        ? Float.intBitsToFloat(bits << 16)
        : NumberFormats.FP16.decode(bits);
  }
}
