package org.sparkao.jobs.peers;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.pack.BitPacking;
import org.sparkao.quant.safetensors.DType;

/**
 * A quantized weight [N, K] in memory, decoded by this project's number formats and packing: {@code
 * (code - zero point) * scale}, rounded once.
 *
 * @param parts its tensors by suffix, such as {@code weight_scale}
 * @param args {@code weights} of its config group, or an object with {@code block_structure} alone
 * @param modelType type of the result where the scales do not tell it
 */
record StoredWeight(Map<String, Part> parts, JsonNode args, WeightType modelType) {

  /**
   * One tensor.
   *
   * @param bytes little endian, row-major, not copied
   */
  record Part(DType dtype, List<Long> shape, byte[] bytes) {
    int dimension(int axis) {
      return Math.toIntExact(shape.get(axis));
    }
  }

  /** N and K. */
  List<Long> shape() {
    Part shape = parts.get("weight_shape");
    if (shape != null) {
      return List.of(littleEndian(shape.bytes(), 0), littleEndian(shape.bytes(), Long.BYTES));
    }
    Part codes = codes();
    long columns = codes.shape().get(1);
    return List.of(codes.shape().get(0), codes.dtype() == DType.U8 ? 2 * columns : columns);
  }

  /** The type of the decoded weight: that of its scales, or the model's where scales are bytes. */
  WeightType type() {
    if (!parts.containsKey("weight_scale")) {
      return modelType;
    }
    return switch (scale().dtype()) {
      case BF16 -> WeightType.BF16;
      case F16 -> WeightType.F16;
      case F32 -> WeightType.F32;
      default -> modelType;
    };
  }

  /** The weight as {@link #type()}, little endian, K contiguous. */
  byte[] decode() {
    int rows = Math.toIntExact(shape().get(0));
    int columns = Math.toIntExact(shape().get(1));
    WeightType type = type();
    byte[] out = new byte[Math.multiplyExact(rows * columns, type.bytes())];
    byte[] codes = new byte[columns];
    int[] block = block(rows, columns);
    int groups = (columns + block[1] - 1) / block[1];
    int[] zeros = new int[groups];
    for (int row = 0; row < rows; row++) {
      readCodes(row, columns, codes);
      readZeroPoints(row, zeros);
      for (int j = 0; j < columns; j++) {
        int group = j / block[1];
        float scale = scale(row / block[0] * groups + group);
        float value = type.round((value(codes[j]) - zeros[group]) * scale);
        type.write(value, out, (row * columns + j) * type.bytes());
      }
    }
    return out;
  }

  private Part codes() {
    return Optional.ofNullable(parts.get("weight_packed")).orElseGet(() -> parts.get("weight"));
  }

  private Part scale() {
    return Optional.ofNullable(parts.get("weight_scale"))
        .orElseGet(() -> parts.get("weight_scale_inv"));
  }

  /** Rows and columns under one scale. */
  private int[] block(int rows, int columns) {
    JsonNode structure = args.path("block_structure");
    if (structure.isArray()) {
      return new int[] {structure.get(0).asInt(), structure.get(1).asInt()};
    }
    List<Long> grid = scale().shape();
    if (grid.size() < 2) {
      return new int[] {rows, columns};
    }
    return new int[] {rows / scale().dimension(0), columns / scale().dimension(1)};
  }

  private void readCodes(int row, int columns, byte[] codes) {
    Part part = codes();
    int rowBytes = part.bytes().length / part.dimension(0);
    switch (part.dtype()) {
      case I32 -> {
        int bits = args.path("num_bits").asInt();
        BitPacking.unpackRow(part.bytes(), row * rowBytes, bits, 1 << bits - 1, codes, columns);
      }
      case U8 -> BitPacking.unpackRow(part.bytes(), row * rowBytes, 4, 0, codes, columns);
      default -> System.arraycopy(part.bytes(), row * rowBytes, codes, 0, columns);
    }
  }

  private void readZeroPoints(int row, int[] zeros) {
    Part part = parts.get("weight_zero_point");
    if (part == null) {
      return;
    }
    byte[] codes = new byte[zeros.length];
    if (part.dtype() == DType.I32) {
      int bits = args.path("num_bits").asInt();
      BitPacking.unpackColumns(part.bytes(), 0, bits, row, codes, zeros.length);
    } else {
      int groups = part.shape().size() < 2 ? 1 : part.dimension(1);
      int first = part.bytes().length == 1 ? 0 : row * groups;
      System.arraycopy(part.bytes(), first, codes, 0, groups);
    }
    for (int group = 0; group < zeros.length; group++) {
      zeros[group] = codes[group];
    }
  }

  private float value(byte code) {
    return switch (codes().dtype()) {
      case I32, I8 -> code;
      case U8 -> NumberFormats.E2M1.decode(code);
      case F8_E4M3 -> NumberFormats.E4M3FN.decode(code & 0xFF);
      default -> throw new IllegalArgumentException("codes of type " + codes().dtype());
    };
  }

  private float scale(int index) {
    Part part = scale();
    return switch (part.dtype()) {
      case BF16 -> WeightType.BF16.read(part.bytes(), 2 * index);
      case F16 -> WeightType.F16.read(part.bytes(), 2 * index);
      case F32 -> WeightType.F32.read(part.bytes(), 4 * index);
      case U8 -> NumberFormats.E8M0.decode(part.bytes()[index] & 0xFF);
      case F8_E4M3 ->
          NumberFormats.E4M3FN.decode(part.bytes()[index] & 0xFF)
              / WeightType.F32.read(parts.get("weight_global_scale").bytes(), 0);
      default -> throw new IllegalArgumentException("scales of type " + part.dtype());
    };
  }

  private static long littleEndian(byte[] bytes, int offset) {
    long value = 0;
    for (int i = Long.BYTES - 1; i >= 0; i--) {
      value = value << Byte.SIZE | bytes[offset + i] & 0xFF;
    }
    return value;
  }
}
