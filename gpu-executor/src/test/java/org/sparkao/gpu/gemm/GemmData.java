package org.sparkao.gpu.gemm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.sparkao.quant.format.Overflow;

/**
 * Random operands of a product, as numbers and as bytes, and the product of the numbers in plain
 * double loops that share nothing with the reference.
 */
final class GemmData {
  private final Gemm gemm;
  private final Random random;
  final int rows;
  final Numbers x;
  final Optional<float[]> scalesOfX;
  final Optional<Numbers> residual;
  final List<MatrixData> matrices = new ArrayList<>();

  /** Numbers, and how they are stored. */
  record Numbers(float[] values, byte[] bytes) {}

  /** One matrix of the weight; int4 has zero points and its scales in the type of the model. */
  record MatrixData(
      Numbers codes,
      Optional<float[]> scales,
      Optional<byte[]> storedScales,
      Optional<int[]> zeroPoints,
      Optional<byte[]> storedZeroPoints,
      Optional<float[]> bias) {}

  GemmData(Gemm gemm, int rows, long seed) {
    this.gemm = gemm;
    this.random = new Random(seed);
    this.rows = rows;
    this.x = numbers(gemm.operands().x(), rows * gemm.k(), spread(gemm.operands().x()));
    int scales = (int) gemm.scalesOfX(rows);
    this.scalesOfX = scales == 0 ? Optional.empty() : Optional.of(scales(scales));
    this.residual =
        gemm.steps().contains(Gemm.Step.RESIDUAL)
            ? Optional.of(numbers(gemm.output(), rows * gemm.columns(), 2))
            : Optional.empty();
    int parts = gemm.steps().contains(Gemm.Step.SILU_GATE) ? 2 : 1;
    for (int i = 0; i < parts; i++) {
      matrices.add(matrix(gemm.n() / parts));
    }
  }

  private static double spread(ElementType type) {
    return switch (type) {
      case INT8 -> 8;
      case E4M3, E5M2 -> 4;
      default -> 1;
    };
  }

  private MatrixData matrix(int n) {
    Optional<float[]> bias =
        gemm.steps().contains(Gemm.Step.BIAS) ? Optional.of(floats(n, -1, 1)) : Optional.empty();
    if (gemm.operands() instanceof Int4Operands int4) {
      return int4Matrix(int4, n, bias);
    }
    DenseOperands dense = (DenseOperands) gemm.operands();
    int count =
        switch (dense.scalingOfW()) {
          case NONE -> 0;
          case TENSOR -> 1;
          case ROW -> n;
          case BLOCK -> (n + 127) / 128 * ((gemm.k() + 127) / 128);
        };
    Optional<float[]> scales = count == 0 ? Optional.empty() : Optional.of(scales(count));
    return new MatrixData(
        numbers(dense.w(), n * gemm.k(), spread(dense.w())),
        scales,
        scales.map(GemmData::bytes),
        Optional.empty(),
        Optional.empty(),
        bias);
  }

  private MatrixData int4Matrix(Int4Operands int4, int n, Optional<float[]> bias) {
    int k = gemm.k();
    int groups = int4.group() == 0 ? 1 : k / int4.group();
    float[] codes = new float[n * k];
    int[] words = new int[n * k / 8];
    for (int i = 0; i < codes.length; i++) {
      int code = random.nextInt(16);
      codes[i] = code - 8;
      words[i / 8] |= code << i % 8 * 4;
    }
    Optional<int[]> zeroPoints = Optional.empty();
    Optional<byte[]> storedZeroPoints = Optional.empty();
    if (int4.zeroPoints() == Int4Operands.ZeroPoints.GIVEN) {
      int[] zeros = new int[n * groups];
      int[] packed = new int[(n + 7) / 8 * groups];
      for (int row = 0; row < n; row++) {
        for (int group = 0; group < groups; group++) {
          int zero = random.nextInt(16);
          zeros[row * groups + group] = zero - 8;
          packed[row / 8 * groups + group] |= zero << row % 8 * 4;
        }
      }
      zeroPoints = Optional.of(zeros);
      storedZeroPoints = Optional.of(bytes(packed));
    }
    ElementType type = int4.x() == ElementType.FP16 ? ElementType.FP16 : ElementType.BF16;
    Numbers scales = encode(type, floats(n * groups, 0.002, 0.02));
    return new MatrixData(
        new Numbers(codes, bytes(words)),
        Optional.of(scales.values),
        Optional.of(scales.bytes),
        zeroPoints,
        storedZeroPoints,
        bias);
  }

  /** Y of the first rows. */
  double[] product(boolean roundedInt4) {
    double[] y = new double[rows * gemm.columns()];
    List<double[][]> weights = matrices.stream().map(m -> weights(m, roundedInt4)).toList();
    for (int row = 0; row < rows; row++) {
      double[] left = scaledRow(row);
      for (int column = 0; column < gemm.columns(); column++) {
        double value = biased(0, column, left, weights);
        if (weights.size() == 2) {
          value = value / (1 + Math.exp(-value)) * biased(1, column, left, weights);
        }
        int at = row * gemm.columns() + column;
        y[at] = value + (residual.isPresent() ? residual.get().values[at] : 0);
      }
    }
    return y;
  }

  private double biased(int matrix, int column, double[] left, List<double[][]> weights) {
    double[] right = weights.get(matrix)[column];
    double sum = 0;
    for (int i = 0; i < left.length; i++) {
      sum += left[i] * right[i];
    }
    return sum + matrices.get(matrix).bias.map(values -> values[column]).orElse(0f);
  }

  private double[] scaledRow(int row) {
    int k = gemm.k();
    double[] values = new double[k];
    for (int i = 0; i < k; i++) {
      int at =
          switch (gemm.operands().scalingOfX()) {
            case NONE, TENSOR -> 0;
            case ROW -> row;
            case BLOCK -> row * ((k + 127) / 128) + i / 128;
          };
      values[i] =
          (double) x.values[row * k + i] * (scalesOfX.isPresent() ? scalesOfX.get()[at] : 1);
    }
    return values;
  }

  private double[][] weights(MatrixData matrix, boolean roundedInt4) {
    int k = gemm.k();
    int n = matrix.codes.values.length / k;
    double[][] values = new double[n][k];
    for (int row = 0; row < n; row++) {
      for (int i = 0; i < k; i++) {
        float code = matrix.codes.values[row * k + i];
        int at = scaleIndex(row, i);
        float scale = matrix.scales.map(all -> all[at]).orElse(1f);
        if (gemm.operands() instanceof Int4Operands int4) {
          float exact = (code - matrix.zeroPoints.map(zeros -> zeros[at]).orElse(0)) * scale;
          boolean rounded = roundedInt4 && int4.x() != ElementType.E4M3;
          values[row][i] = rounded ? encode(int4.x(), new float[] {exact}).values[0] : exact;
        } else {
          values[row][i] = (double) code * scale;
        }
      }
    }
    return values;
  }

  private int scaleIndex(int row, int column) {
    int k = gemm.k();
    if (gemm.operands() instanceof Int4Operands int4) {
      return int4.group() == 0 ? row : row * (k / int4.group()) + column / int4.group();
    }
    return switch (((DenseOperands) gemm.operands()).scalingOfW()) {
      case NONE, TENSOR -> 0;
      case ROW -> row;
      case BLOCK -> row / 128 * ((k + 127) / 128) + column / 128;
    };
  }

  private Numbers numbers(ElementType type, int count, double spread) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (spread * random.nextGaussian());
    }
    return encode(type, values);
  }

  private float[] scales(int count) {
    return floats(count, 0.05, 0.2);
  }

  private float[] floats(int count, double low, double high) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (low + (high - low) * random.nextDouble());
    }
    return values;
  }

  /** The nearest numbers of a type. */
  static Numbers encode(ElementType type, float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    float[] held = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      int bits = type.encode(values[i], Overflow.SATURATE);
      held[i] = type.decode(bits);
      switch (type.bytes()) {
        case Byte.BYTES -> bytes.put((byte) bits);
        case Short.BYTES -> bytes.putShort((short) bits);
        default -> bytes.putInt(bits);
      }
    }
    return new Numbers(held, bytes.array());
  }

  static byte[] bytes(float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  static byte[] bytes(int[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Integer.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return bytes.array();
  }

  /** What a result's bytes stand for. */
  static double[] decode(ElementType type, byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    double[] values = new double[bytes.length / type.bytes()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type.bytes()) {
            case Byte.BYTES -> type.decode(Byte.toUnsignedInt(bytes[i]));
            case Short.BYTES -> type.decode(Short.toUnsignedInt(buffer.getShort(2 * i)));
            default -> buffer.getFloat(4 * i);
          };
    }
    return values;
  }
}
