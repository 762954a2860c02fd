package org.sparkao.quant.calibration;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/** A tensor that is to be written from an array, and arrays that were written. */
record Numbers(TensorSpec spec, Filler filler) {
  /** Bytes that are held at a time. */
  static final int PIECE = 1 << 20;

  /** Puts elements {@code from} to {@code to - 1} into a little-endian buffer, or takes them. */
  interface Filler {
    /** Does it from the position on, which may stay. */
    void fill(ByteBuffer out, int from, int to);
  }

  int count() {
    return (int) (spec.bytes() * 8 / spec.dtype().bits());
  }

  static Numbers floats(String name, float[] values, long... shape) {
    return new Numbers(
        spec(name, DType.F32, values.length, shape),
        (out, from, to) -> out.asFloatBuffer().put(values, from, to - from));
  }

  /** Each divided by a count, in double, and rounded. */
  static Numbers means(String name, float[] values, double divisor, long... shape) {
    return new Numbers(
        spec(name, DType.F32, values.length, shape),
        (out, from, to) -> {
          float[] means = new float[to - from];
          for (int i = 0; i < means.length; i++) {
            means[i] = (float) (values[from + i] / divisor);
          }
          out.asFloatBuffer().put(means);
        });
  }

  /** As fp32, each divided by a count before it is rounded. */
  static Numbers means(String name, double[] values, double divisor) {
    return new Numbers(
        spec(name, DType.F32, values.length),
        (out, from, to) -> {
          for (int i = from; i < to; i++) {
            out.putFloat((float) (values[i] / divisor));
          }
        });
  }

  static Numbers doubles(String name, double[] values) {
    return new Numbers(
        spec(name, DType.F64, values.length),
        (out, from, to) -> out.asDoubleBuffer().put(values, from, to - from));
  }

  static Numbers longs(String name, long... values) {
    return new Numbers(
        spec(name, DType.I64, values.length),
        (out, from, to) -> out.asLongBuffer().put(values, from, to - from));
  }

  private static TensorSpec spec(String name, DType dtype, int count, long... shape) {
    List<Long> sizes =
        shape.length == 0 ? List.of((long) count) : Arrays.stream(shape).boxed().toList();
    return new TensorSpec(name, dtype, sizes);
  }

  static float[] readFloats(ByteSource source, TensorEntry entry) throws IOException {
    float[] values = new float[Math.toIntExact(entry.elements())];
    read(source, entry, (in, from, to) -> in.asFloatBuffer().get(values, from, to - from));
    return values;
  }

  static double[] readDoubles(ByteSource source, TensorEntry entry) throws IOException {
    double[] values = new double[Math.toIntExact(entry.elements())];
    read(source, entry, (in, from, to) -> in.asDoubleBuffer().get(values, from, to - from));
    return values;
  }

  static long[] readLongs(ByteSource source, TensorEntry entry) throws IOException {
    long[] values = new long[Math.toIntExact(entry.elements())];
    read(source, entry, (in, from, to) -> in.asLongBuffer().get(values, from, to - from));
    return values;
  }

  private static void read(ByteSource source, TensorEntry entry, Filler taker) throws IOException {
    int elementBytes = entry.dtype().bits() / 8;
    byte[] piece = new byte[(int) Math.min(PIECE, entry.bytes())];
    for (long at = 0; at < entry.bytes(); at += PIECE) {
      int length = (int) Math.min(PIECE, entry.bytes() - at);
      source.readFully(entry.begin() + at, piece, 0, length);
      int from = (int) (at / elementBytes);
      taker.fill(
          ByteBuffer.wrap(piece, 0, length).order(ByteOrder.LITTLE_ENDIAN),
          from,
          from + length / elementBytes);
    }
  }
}
