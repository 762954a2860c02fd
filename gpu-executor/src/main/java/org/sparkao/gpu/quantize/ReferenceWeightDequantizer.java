package org.sparkao.gpu.quantize;

import java.nio.ByteBuffer;
import java.util.List;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.WeightSpec;
import org.sparkao.quant.format.NumberFormat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.TwosComplement;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.pack.BitPacking;

/** Plain Java on a {@link CpuDevice}, one weight after the other. */
public final class ReferenceWeightDequantizer implements WeightDequantizer {

  @Override
  public void dequantize(QuantizeRequest request, List<Buffer> parts, Buffer out) {
    WeightSpec weight = request.weight();
    Stored stored = new Stored(request, parts);
    WeightType type = WeightType.valueOf(weight.dtype().name());
    ByteBuffer target = CpuDevice.bytes(out);
    byte[] row = new byte[Math.toIntExact(weight.rowBytes())];
    for (int i = 0; i < weight.rows(); i++) {
      byte[] codes = stored.codes(i);
      byte[] zeroPoints = stored.zeroPoints(i);
      for (int j = 0; j < codes.length; j++) {
        float value = stored.format.decode(codes[j]) - zeroPoints[j / stored.grid.groupColumns()];
        type.write(type.round(value * stored.scale(i, j)), row, j * type.bytes());
      }
      target.put(row);
    }
  }

  /** The parts of one weight. */
  private static final class Stored {
    private final DeviceScheme scheme;
    private final DeviceGrid grid;
    private final OutputParts places;
    private final List<byte[]> parts;
    private final WeightType type;
    private final NumberFormat format;
    private final int columns;

    Stored(QuantizeRequest request, List<Buffer> buffers) {
      WeightSpec weight = request.weight();
      this.columns = Math.toIntExact(weight.columns());
      this.scheme = DeviceScheme.of(request);
      this.grid = DeviceGrid.of(request.scheme().weights().granularity(), columns);
      this.places = new OutputParts(weight, Quantizers.parts(request), grid.wholeTensor());
      this.parts = buffers.stream().map(Stored::bytes).toList();
      this.type = WeightType.valueOf(weight.dtype().name());
      this.format =
          switch (scheme.format()) {
            case INTEGER -> new TwosComplement(scheme.bits());
            case E4M3 -> NumberFormats.E4M3FN;
            case E2M1 -> NumberFormats.E2M1;
          };
    }

    byte[] codes(int row) {
      int bits = scheme.storedBits();
      int rowBytes =
          Math.toIntExact(scheme.packed() ? 4 * BitPacking.words(columns, bits) : columns);
      int bias = (scheme.storage() & DeviceScheme.BIASED) == 0 ? 0 : 1 << bits - 1;
      byte[] codes = new byte[columns];
      BitPacking.unpackRow(parts.get(places.codes()), row * rowBytes, bits, bias, codes, columns);
      return codes;
    }

    float scale(int row, int column) {
      byte[] scales = parts.get(places.scale());
      int index = index(row, column);
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
    byte[] zeroPoints(int row) {
      byte[] ofRow = new byte[grid.groups()];
      if (scheme.asymmetric() && scheme.packed()) {
        byte[] packed = parts.get(places.zeroPoint());
        BitPacking.unpackColumns(packed, 0, scheme.bits(), row, ofRow, ofRow.length);
      } else if (scheme.asymmetric()) {
        System.arraycopy(parts.get(places.zeroPoint()), index(row, 0), ofRow, 0, ofRow.length);
      }
      return ofRow;
    }

    private int index(int row, int column) {
      return grid.wholeTensor()
          ? 0
          : row / grid.groupRows() * grid.groups() + column / grid.groupColumns();
    }

    private static byte[] bytes(Buffer buffer) {
      ByteBuffer view = CpuDevice.bytes(buffer);
      byte[] bytes = new byte[view.remaining()];
      view.get(bytes);
      return bytes;
    }
  }
}
