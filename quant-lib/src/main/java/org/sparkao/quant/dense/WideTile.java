package org.sparkao.quant.dense;

import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.sparkao.quant.dense.TileKernel.Place;

/**
 * The inner loop of products of many rows where vectors have 512 bits: c[r, s] += a[i, r] * b[i, s]
 * for {@link #ROWS} rows and two panels of 16 columns, sixteen sums in registers. The same bits as
 * {@link TileKernel}: sums do not meet.
 *
 * <p>These are the only vectors of sixteen lanes in the project. A JVM that saw vectors of two
 * widths does not know which one a loop has carried, and then calls its methods instead of
 * compiling them in. So such vectors are arguments in loops, and are cast to their very class to be
 * stored; a method that does it would undo it.
 */
public final class WideTile {
  /** Rows of a tile. */
  public static final int ROWS = 8;

  /** Whether this JVM has such vectors; needs the module of the vector API. */
  public static final boolean AVAILABLE = FloatVector.SPECIES_PREFERRED.length() >= 16;

  private static final VectorSpecies<Float> V = FloatVector.SPECIES_512;
  private static final Class<?> TYPE = V.vectorType();
  private static final int C = TileKernel.COLUMNS;

  private WideTile() {}

  /**
   * Adds the products of {@code count} values of i.
   *
   * @param a [i, 16], of which eight numbers are read from the first element on
   * @param b a panel [i, 16]
   * @param b2 another one
   * @param c sums of the first panel
   * @param c2 sums of the second panel, with the stride of the others
   */
  public static void add(Place a, Place b, Place b2, int count, Place c, Place c2) {
    float[] left = a.values(), right = b.values(), right2 = b2.values();
    float[] out = c.values(), out2 = c2.values();
    int from = a.first(), at = b.first(), at2 = b2.first();
    int s = c.first(), s2 = c2.first(), n = c.next();
    FloatVector p0 = fromArray(V, out, s), q0 = fromArray(V, out2, s2);
    FloatVector p1 = fromArray(V, out, s + n), q1 = fromArray(V, out2, s2 + n);
    FloatVector p2 = fromArray(V, out, s + 2 * n), q2 = fromArray(V, out2, s2 + 2 * n);
    FloatVector p3 = fromArray(V, out, s + 3 * n), q3 = fromArray(V, out2, s2 + 3 * n);
    FloatVector p4 = fromArray(V, out, s + 4 * n), q4 = fromArray(V, out2, s2 + 4 * n);
    FloatVector p5 = fromArray(V, out, s + 5 * n), q5 = fromArray(V, out2, s2 + 5 * n);
    FloatVector p6 = fromArray(V, out, s + 6 * n), q6 = fromArray(V, out2, s2 + 6 * n);
    FloatVector p7 = fromArray(V, out, s + 7 * n), q7 = fromArray(V, out2, s2 + 7 * n);
    for (int i = 0; i < count; i++) {
      FloatVector x = fromArray(V, right, at + i * C);
      FloatVector y = fromArray(V, right2, at2 + i * C);
      p0 = x.fma(broadcast(V, left[from + i * C]), p0);
      q0 = y.fma(broadcast(V, left[from + i * C]), q0);
      p1 = x.fma(broadcast(V, left[from + i * C + 1]), p1);
      q1 = y.fma(broadcast(V, left[from + i * C + 1]), q1);
      p2 = x.fma(broadcast(V, left[from + i * C + 2]), p2);
      q2 = y.fma(broadcast(V, left[from + i * C + 2]), q2);
      p3 = x.fma(broadcast(V, left[from + i * C + 3]), p3);
      q3 = y.fma(broadcast(V, left[from + i * C + 3]), q3);
      p4 = x.fma(broadcast(V, left[from + i * C + 4]), p4);
      q4 = y.fma(broadcast(V, left[from + i * C + 4]), q4);
      p5 = x.fma(broadcast(V, left[from + i * C + 5]), p5);
      q5 = y.fma(broadcast(V, left[from + i * C + 5]), q5);
      p6 = x.fma(broadcast(V, left[from + i * C + 6]), p6);
      q6 = y.fma(broadcast(V, left[from + i * C + 6]), q6);
      p7 = x.fma(broadcast(V, left[from + i * C + 7]), p7);
      q7 = y.fma(broadcast(V, left[from + i * C + 7]), q7);
    }
    ((FloatVector) TYPE.cast(p0)).intoArray(out, s);
    ((FloatVector) TYPE.cast(q0)).intoArray(out2, s2);
    ((FloatVector) TYPE.cast(p1)).intoArray(out, s + n);
    ((FloatVector) TYPE.cast(q1)).intoArray(out2, s2 + n);
    ((FloatVector) TYPE.cast(p2)).intoArray(out, s + 2 * n);
    ((FloatVector) TYPE.cast(q2)).intoArray(out2, s2 + 2 * n);
    ((FloatVector) TYPE.cast(p3)).intoArray(out, s + 3 * n);
    ((FloatVector) TYPE.cast(q3)).intoArray(out2, s2 + 3 * n);
    ((FloatVector) TYPE.cast(p4)).intoArray(out, s + 4 * n);
    ((FloatVector) TYPE.cast(q4)).intoArray(out2, s2 + 4 * n);
    ((FloatVector) TYPE.cast(p5)).intoArray(out, s + 5 * n);
    ((FloatVector) TYPE.cast(q5)).intoArray(out2, s2 + 5 * n);
    ((FloatVector) TYPE.cast(p6)).intoArray(out, s + 6 * n);
    ((FloatVector) TYPE.cast(q6)).intoArray(out2, s2 + 6 * n);
    ((FloatVector) TYPE.cast(p7)).intoArray(out, s + 7 * n);
    ((FloatVector) TYPE.cast(q7)).intoArray(out2, s2 + 7 * n);
  }
}
