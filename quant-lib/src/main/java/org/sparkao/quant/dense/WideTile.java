package org.sparkao.quant.dense;

import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromArray;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.sparkao.quant.dense.TileKernel.Place;

/**
 * The inner loop of products of many rows where vectors have 512 bits: c[r, s] += a[i, r] * b[i, s]
 * for {@link #ROWS} rows and two panels of 16 columns, eighteen sums in registers, two values of i
 * a turn. The same bits as {@link TileKernel}: sums do not meet.
 *
 * <p>These are the only vectors of sixteen lanes in the project. A JVM that saw vectors of two
 * widths does not know which one a loop has carried, and then calls its methods instead of
 * compiling them in. So such vectors are arguments in loops, and are cast to their very class to be
 * stored; a method that does it would undo it.
 */
public final class WideTile {
  /** Rows of a tile: of 6 to 14, what HotSpot 17 makes the fastest loop of. */
  public static final int ROWS = 9;

  /** Whether this JVM has such vectors; needs the module of the vector API. */
  public static final boolean AVAILABLE = FloatVector.SPECIES_PREFERRED.length() >= 16;

  private static final VectorSpecies<Float> V = FloatVector.SPECIES_512;
  private static final Class<?> TYPE = V.vectorType();
  private static final int C = TileKernel.COLUMNS;

  private WideTile() {}

  /**
   * Adds the products of {@code count} values of i.
   *
   * @param a [i, ROWS], contiguous
   * @param b a panel [i, 16]
   * @param b2 another one
   * @param count even
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
    FloatVector p8 = fromArray(V, out, s + 8 * n), q8 = fromArray(V, out2, s2 + 8 * n);
    for (int i = 0; i < count; i += 2) {
      int d = from + i * ROWS, e = d + ROWS;
      FloatVector x = fromArray(V, right, at + i * C), v = fromArray(V, right, at + i * C + C);
      FloatVector y = fromArray(V, right2, at2 + i * C), w = fromArray(V, right2, at2 + i * C + C);
      p0 = v.fma(broadcast(V, left[e]), x.fma(broadcast(V, left[d]), p0));
      q0 = w.fma(broadcast(V, left[e]), y.fma(broadcast(V, left[d]), q0));
      p1 = v.fma(broadcast(V, left[e + 1]), x.fma(broadcast(V, left[d + 1]), p1));
      q1 = w.fma(broadcast(V, left[e + 1]), y.fma(broadcast(V, left[d + 1]), q1));
      p2 = v.fma(broadcast(V, left[e + 2]), x.fma(broadcast(V, left[d + 2]), p2));
      q2 = w.fma(broadcast(V, left[e + 2]), y.fma(broadcast(V, left[d + 2]), q2));
      p3 = v.fma(broadcast(V, left[e + 3]), x.fma(broadcast(V, left[d + 3]), p3));
      q3 = w.fma(broadcast(V, left[e + 3]), y.fma(broadcast(V, left[d + 3]), q3));
      p4 = v.fma(broadcast(V, left[e + 4]), x.fma(broadcast(V, left[d + 4]), p4));
      q4 = w.fma(broadcast(V, left[e + 4]), y.fma(broadcast(V, left[d + 4]), q4));
      p5 = v.fma(broadcast(V, left[e + 5]), x.fma(broadcast(V, left[d + 5]), p5));
      q5 = w.fma(broadcast(V, left[e + 5]), y.fma(broadcast(V, left[d + 5]), q5));
      p6 = v.fma(broadcast(V, left[e + 6]), x.fma(broadcast(V, left[d + 6]), p6));
      q6 = w.fma(broadcast(V, left[e + 6]), y.fma(broadcast(V, left[d + 6]), q6));
      p7 = v.fma(broadcast(V, left[e + 7]), x.fma(broadcast(V, left[d + 7]), p7));
      q7 = w.fma(broadcast(V, left[e + 7]), y.fma(broadcast(V, left[d + 7]), q7));
      p8 = v.fma(broadcast(V, left[e + 8]), x.fma(broadcast(V, left[d + 8]), p8));
      q8 = w.fma(broadcast(V, left[e + 8]), y.fma(broadcast(V, left[d + 8]), q8));
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
    ((FloatVector) TYPE.cast(p8)).intoArray(out, s + 8 * n);
    ((FloatVector) TYPE.cast(q8)).intoArray(out2, s2 + 8 * n);
  }
}
