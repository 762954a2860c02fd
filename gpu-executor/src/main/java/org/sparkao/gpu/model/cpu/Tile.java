package org.sparkao.gpu.model.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inner loop: sums[r, c] += x[r, i] * panel[i, c] for i from {@code begin} to {@code end}, one
 * fused multiply-add after the other in this order, so that neither the cut of K nor the number of
 * rows changes a bit.
 */
public final class Tile {
  /** Rows of the loop over several: with more, HotSpot 17 runs out of 16 registers. */
  public static final int ROWS = 4;

  private static final VectorSpecies<Float> V = Lanes.EIGHT;
  private static final Class<?> TYPE = V.vectorType();
  private static final int W = Lanes.WIDTH;
  private static final int C = Panels.COLUMNS;

  /** Rows of numbers. */
  public float[] x;

  /** Element 0 of the first row. */
  public int first;

  /** From a row to the next. */
  public int stride;

  /** [K, COLUMNS]. */
  public float[] panel;

  /** Of K, inclusive. */
  public int begin;

  /** Exclusive. */
  public int end;

  /** [rows, COLUMNS], read and written. */
  public float[] sums;

  /** Element 0 of the first row of sums. */
  public int sumsAt;

  /** From a row of sums to the next. */
  public int sumsStride;

  /** {@link #ROWS} rows. */
  public void several() {
    float[] a = x;
    float[] b = panel;
    float[] c = sums;
    int r0 = first;
    int r1 = r0 + stride;
    int r2 = r1 + stride;
    int r3 = r2 + stride;
    int s = sumsAt;
    int d = sumsStride;
    FloatVector a0 = FloatVector.fromArray(V, c, s);
    FloatVector b0 = FloatVector.fromArray(V, c, s + W);
    FloatVector a1 = FloatVector.fromArray(V, c, s + d);
    FloatVector b1 = FloatVector.fromArray(V, c, s + d + W);
    FloatVector a2 = FloatVector.fromArray(V, c, s + 2 * d);
    FloatVector b2 = FloatVector.fromArray(V, c, s + 2 * d + W);
    FloatVector a3 = FloatVector.fromArray(V, c, s + 3 * d);
    FloatVector b3 = FloatVector.fromArray(V, c, s + 3 * d + W);
    int to = end;
    for (int i = begin; i < to; i++) {
      FloatVector p = FloatVector.fromArray(V, b, i * C);
      FloatVector q = FloatVector.fromArray(V, b, i * C + W);
      FloatVector y = FloatVector.broadcast(V, a[r0 + i]);
      a0 = p.fma(y, a0);
      b0 = q.fma(y, b0);
      y = FloatVector.broadcast(V, a[r1 + i]);
      a1 = p.fma(y, a1);
      b1 = q.fma(y, b1);
      y = FloatVector.broadcast(V, a[r2 + i]);
      a2 = p.fma(y, a2);
      b2 = q.fma(y, b2);
      y = FloatVector.broadcast(V, a[r3 + i]);
      a3 = p.fma(y, a3);
      b3 = q.fma(y, b3);
    }
    ((FloatVector) TYPE.cast(a0)).intoArray(c, s);
    ((FloatVector) TYPE.cast(b0)).intoArray(c, s + W);
    ((FloatVector) TYPE.cast(a1)).intoArray(c, s + d);
    ((FloatVector) TYPE.cast(b1)).intoArray(c, s + d + W);
    ((FloatVector) TYPE.cast(a2)).intoArray(c, s + 2 * d);
    ((FloatVector) TYPE.cast(b2)).intoArray(c, s + 2 * d + W);
    ((FloatVector) TYPE.cast(a3)).intoArray(c, s + 3 * d);
    ((FloatVector) TYPE.cast(b3)).intoArray(c, s + 3 * d + W);
  }

  /** One row. */
  public void one() {
    float[] a = x;
    float[] b = panel;
    int row = first;
    int to = end;
    FloatVector low = FloatVector.fromArray(V, sums, sumsAt);
    FloatVector high = FloatVector.fromArray(V, sums, sumsAt + W);
    for (int i = begin; i < to; i++) {
      FloatVector y = FloatVector.broadcast(V, a[row + i]);
      low = FloatVector.fromArray(V, b, i * C).fma(y, low);
      high = FloatVector.fromArray(V, b, i * C + W).fma(y, high);
    }
    ((FloatVector) TYPE.cast(low)).intoArray(sums, sumsAt);
    ((FloatVector) TYPE.cast(high)).intoArray(sums, sumsAt + W);
  }
}
