package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.TwosComplement;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.pack.BitPacking;
import org.sparkao.quant.pack.PackedPart;

/**
 * A quantized weight [N, K] in memory of the host, dequantized by rows in plain Java, as {@link
 * WeightDequantizer} says. Immutable: threads may share it, each with its own output.
 */
public final class StoredWeight {
  private static final int CODES = 256;

  private final DeviceScheme scheme;
  private final DeviceGrid grid;
  private final OutputParts places;
  private final List<byte[]> parts;
  private final WeightType type;
  private final float[] values;
  private final int rows;
  private final int columns;
  private final int[] groups;

  private StoredWeight(QuantizeRequest request, List<byte[]> parts, int[] groups) {
    WeightSpec weight = request.weight();
    this.rows = Math.toIntExact(weight.rows());
    this.columns = Math.toIntExact(weight.columns());
    this.scheme = DeviceScheme.of(request);
    this.grid = DeviceGrid.of(request.scheme().weights().granularity(), columns);
    this.places = new OutputParts(weight, Quantizers.parts(request), grid.wholeTensor());
    this.parts = parts;
    this.type = WeightType.valueOf(weight.dtype().name());
    this.values = values(scheme);
    this.groups = groups;
    if (groups.length != columns) {
      throw new IllegalArgumentException(groups.length + " groups of " + columns + " columns");
    }
    for (int group : groups) {
      Objects.checkIndex(group, grid.groups());
    }
  }

  /**
   * A weight whose groups are as many columns side by side as the scheme says.
   *
   * @param request what the weight was quantized with
   * @param parts the stored parts, in the order of {@code Quantizers.parts(request)}, each from
   *     position to limit; arrays behind them are kept, not copied, where they are just that long
   */
  public static StoredWeight of(QuantizeRequest request, List<ByteBuffer> parts) {
    int columns = Math.toIntExact(request.weight().columns());
    DeviceGrid grid = DeviceGrid.of(request.scheme().weights().granularity(), columns);
    int[] groups = new int[columns];
    Arrays.setAll(groups, column -> column / grid.groupColumns());
    return ofColumns(request, parts, groups);
  }

  /**
   * A weight whose groups were formed in another order of columns: {@code weight_g_idx} of GPTQ.
   *
   * @param groups the group of each column, [K]
   */
  public static StoredWeight ofColumns(
      QuantizeRequest request, List<ByteBuffer> parts, int[] groups) {
    List<PackedPart> expected = Quantizers.parts(request);
    if (expected.size() != parts.size()) {
      throw new IllegalArgumentException(parts.size() + " parts, not " + expected.size());
    }
    for (int i = 0; i < parts.size(); i++) {
      if (parts.get(i).remaining() != expected.get(i).bytes()) {
        throw new IllegalArgumentException(
            expected.get(i).suffix()
                + ": "
                + parts.get(i).remaining()
                + " bytes, not "
                + expected.get(i).bytes());
      }
    }
    return new StoredWeight(
        request, parts.stream().map(StoredWeight::bytes).toList(), groups.clone());
  }

  /** The type of the unquantized weight; values are rounded to it. */
  public WeightType type() {
    return type;
  }

  /**
   * Dequantizes rows [rowBegin, rowBegin + count).
   *
   * @param out receives count * K numbers from {@code offset}
   */
  public void dequantize(int rowBegin, int count, float[] out, int offset) {
    unrounded(rowBegin, count, out, offset);
    for (int i = offset; i < offset + count * columns; i++) {
      out[i] = type.round(out[i]);
    }
  }

  /**
   * The same as products of codes and scales in fp32, not rounded to the type of the weight: what a
   * product of codes computes with.
   *
   * @param out receives count * K numbers from {@code offset}
   */
  public void unrounded(int rowBegin, int count, float[] out, int offset) {
    Objects.checkFromIndexSize(rowBegin, count, rows);
    byte[] codes = new byte[columns];
    float[] scales = new float[grid.groups()];
    byte[] zeroPoints = new byte[grid.groups()];
    int at = offset;
    for (int row = rowBegin; row < rowBegin + count; row++) {
      readCodes(row, codes);
      readZeroPoints(row, zeroPoints);
      for (int group = 0; group < scales.length; group++) {
        scales[group] = scale(row, group);
      }
      for (int j = 0; j < columns; j++) {
        int group = groups[j];
        float value = values[codes[j] & 0xFF] - zeroPoints[group];
        out[at++] = value * scales[group];
      }
    }
  }

  private void readCodes(int row, byte[] codes) {
    int bits = scheme.storedBits();
    int rowBytes = Math.toIntExact(scheme.packed() ? 4 * BitPacking.words(columns, bits) : columns);
    int bias = (scheme.storage() & DeviceScheme.BIASED) == 0 ? 0 : 1 << bits - 1;
    BitPacking.unpackRow(parts.get(places.codes()), row * rowBytes, bits, bias, codes, columns);
  }

  private float scale(int row, int group) {
    byte[] scales = parts.get(places.scale());
    int index = index(row, group);
    if ((scheme.storage() & DeviceScheme.FLOAT_SCALE) != 0) {
      return WeightType.F32.read(scales, Float.BYTES * index);
    }
    if ((scheme.storage() & DeviceScheme.BYTE_SCALE) == 0) {
      return type.read(scales, type.bytes() * index);
    }
    return scheme.hasFactor()
        ? NumberFormats.E4M3FN.decode(scales[index])
            / WeightType.F32.read(parts.get(places.global()), 0)
        : NumberFormats.E8M0.decode(scales[index]);
  }

  /** Those of the groups of a row; zeros where there are none. */
  private void readZeroPoints(int row, byte[] ofRow) {
    if (scheme.asymmetric() && scheme.packed()) {
      byte[] packed = parts.get(places.zeroPoint());
      BitPacking.unpackColumns(packed, 0, scheme.bits(), row, ofRow, ofRow.length);
    } else if (scheme.asymmetric()) {
      System.arraycopy(parts.get(places.zeroPoint()), index(row, 0), ofRow, 0, ofRow.length);
    }
  }

  private int index(int row, int group) {
    return grid.wholeTensor() ? 0 : row / grid.groupRows() * grid.groups() + group;
  }

  /** What each byte stands for. */
  private static float[] values(DeviceScheme scheme) {
    NumberFormat format =
        switch (scheme.format()) {
          case INTEGER -> new TwosComplement(scheme.bits());
          case E4M3 -> NumberFormats.E4M3FN;
          case E2M1 -> NumberFormats.E2M1;
        };
    float[] values = new float[CODES];
    for (int code = 0; code < CODES; code++) {
      values[code] = format.decode((byte) code);
    }
    return values;
  }

  private static byte[] bytes(ByteBuffer buffer) {
    boolean whole =
        buffer.hasArray()
            && buffer.arrayOffset() + buffer.position() == 0
            && buffer.remaining() == buffer.array().length;
    if (whole) {
      return buffer.array();
    }
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }
}
