package org.sparkao.quant.dense;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Eight sums of eight lanes in registers; how they are stored: see {@link WideTile}. */
final class VectorTile implements TileKernel {
  private static final VectorSpecies<Float> V = FloatVector.SPECIES_256;
  private static final Class<?> TYPE = V.vectorType();
  private static final int W = 8;

  @Override
  public void add(Place a, Place b, int count, Place c) {
    if (a.row() == 1 && a.next() == COLUMNS && b.next() == COLUMNS) {
      addPanels(a, b, count, c);
    } else {
      addAny(a, b, count, c);
    }
  }

  private static void addAny(Place a, Place b, int count, Place c) {
    float[] left = a.values();
    float[] right = b.values();
    float[] out = c.values();
    int c0 = c.first();
    int c1 = c0 + c.next();
    int c2 = c1 + c.next();
    int c3 = c2 + c.next();
    FloatVector s0 = FloatVector.fromArray(V, out, c0);
    FloatVector t0 = FloatVector.fromArray(V, out, c0 + W);
    FloatVector s1 = FloatVector.fromArray(V, out, c1);
    FloatVector t1 = FloatVector.fromArray(V, out, c1 + W);
    FloatVector s2 = FloatVector.fromArray(V, out, c2);
    FloatVector t2 = FloatVector.fromArray(V, out, c2 + W);
    FloatVector s3 = FloatVector.fromArray(V, out, c3);
    FloatVector t3 = FloatVector.fromArray(V, out, c3 + W);
    int step = a.next();
    int stride = b.next();
    int r0 = a.first();
    int r1 = r0 + a.row();
    int r2 = r1 + a.row();
    int r3 = r2 + a.row();
    int at = b.first();
    int from = 0;
    for (int i = 0; i < count; i++) {
      FloatVector p = FloatVector.fromArray(V, right, at);
      FloatVector q = FloatVector.fromArray(V, right, at + W);
      FloatVector x = FloatVector.broadcast(V, left[r0 + from]);
      s0 = p.fma(x, s0);
      t0 = q.fma(x, t0);
      x = FloatVector.broadcast(V, left[r1 + from]);
      s1 = p.fma(x, s1);
      t1 = q.fma(x, t1);
      x = FloatVector.broadcast(V, left[r2 + from]);
      s2 = p.fma(x, s2);
      t2 = q.fma(x, t2);
      x = FloatVector.broadcast(V, left[r3 + from]);
      s3 = p.fma(x, s3);
      t3 = q.fma(x, t3);
      from += step;
      at += stride;
    }
    ((FloatVector) TYPE.cast(s0)).intoArray(out, c0);
    ((FloatVector) TYPE.cast(t0)).intoArray(out, c0 + W);
    ((FloatVector) TYPE.cast(s1)).intoArray(out, c1);
    ((FloatVector) TYPE.cast(t1)).intoArray(out, c1 + W);
    ((FloatVector) TYPE.cast(s2)).intoArray(out, c2);
    ((FloatVector) TYPE.cast(t2)).intoArray(out, c2 + W);
    ((FloatVector) TYPE.cast(s3)).intoArray(out, c3);
    ((FloatVector) TYPE.cast(t3)).intoArray(out, c3 + W);
  }

  /** The same of two panels of {@link #COLUMNS}: with fixed strides the loop needs no checks. */
  private static void addPanels(Place a, Place b, int count, Place c) {
    float[] left = a.values();
    float[] right = b.values();
    float[] out = c.values();
    int c0 = c.first();
    int c1 = c0 + c.next();
    int c2 = c1 + c.next();
    int c3 = c2 + c.next();
    FloatVector s0 = FloatVector.fromArray(V, out, c0);
    FloatVector t0 = FloatVector.fromArray(V, out, c0 + W);
    FloatVector s1 = FloatVector.fromArray(V, out, c1);
    FloatVector t1 = FloatVector.fromArray(V, out, c1 + W);
    FloatVector s2 = FloatVector.fromArray(V, out, c2);
    FloatVector t2 = FloatVector.fromArray(V, out, c2 + W);
    FloatVector s3 = FloatVector.fromArray(V, out, c3);
    FloatVector t3 = FloatVector.fromArray(V, out, c3 + W);
    int from = a.first();
    int at = b.first();
    for (int i = 0; i < count; i++) {
      FloatVector p = FloatVector.fromArray(V, right, at + i * COLUMNS);
      FloatVector q = FloatVector.fromArray(V, right, at + i * COLUMNS + W);
      FloatVector x = FloatVector.broadcast(V, left[from + i * COLUMNS]);
      s0 = p.fma(x, s0);
      t0 = q.fma(x, t0);
      x = FloatVector.broadcast(V, left[from + i * COLUMNS + 1]);
      s1 = p.fma(x, s1);
      t1 = q.fma(x, t1);
      x = FloatVector.broadcast(V, left[from + i * COLUMNS + 2]);
      s2 = p.fma(x, s2);
      t2 = q.fma(x, t2);
      x = FloatVector.broadcast(V, left[from + i * COLUMNS + 3]);
      s3 = p.fma(x, s3);
      t3 = q.fma(x, t3);
    }
    ((FloatVector) TYPE.cast(s0)).intoArray(out, c0);
    ((FloatVector) TYPE.cast(t0)).intoArray(out, c0 + W);
    ((FloatVector) TYPE.cast(s1)).intoArray(out, c1);
    ((FloatVector) TYPE.cast(t1)).intoArray(out, c1 + W);
    ((FloatVector) TYPE.cast(s2)).intoArray(out, c2);
    ((FloatVector) TYPE.cast(t2)).intoArray(out, c2 + W);
    ((FloatVector) TYPE.cast(s3)).intoArray(out, c3);
    ((FloatVector) TYPE.cast(t3)).intoArray(out, c3 + W);
  }

  @Override
  public boolean isWide() {
    return WideTile.AVAILABLE;
  }

  @Override
  public String name() {
    return "vector-256";
  }
}
