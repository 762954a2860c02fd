package org.sparkao.gpu.quantize;

import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * A scheme as the numbers that kernels take: {@code scheme.cuh} has the same lists.
 *
 * @param rule how scales are found
 * @param format what codes are
 * @param bits bits of a code
 * @param storage a sum of {@link #PACKED}, {@link #BIASED}, {@link #FLOAT_SCALE}, {@link
 *     #BYTE_SCALE}
 */
public record DeviceScheme(Rule rule, Format format, int bits, int storage) {
  /** Codes are a dense bit stream a row, else one a byte. */
  static final int PACKED = 1;

  /** 2^(bits - 1) is added to packed codes. */
  static final int BIASED = 2;

  /** Scales are fp32, else of the type of the weight. */
  static final int FLOAT_SCALE = 4;

  /** Scales are bytes, e8m0 or e4m3. */
  static final int BYTE_SCALE = 8;

  /** Rules of scales; a kernel gets the ordinal. */
  public enum Rule {
    CT_SYMMETRIC,
    CT_ASYMMETRIC,
    CT_MICROSCALING,
    CT_NV,
    DEEPSEEK,
    TORCHAO_INT8,
    TORCHAO_SYMMETRIC,
    TORCHAO_ASYMMETRIC,
    TORCHAO_FLOAT8,
    TORCHAO_MICROSCALING,
    TORCHAO_NV
  }

  /** Codes; a kernel gets the ordinal. */
  public enum Format {
    INTEGER,
    E4M3,
    E2M1
  }

  /** What a request that {@code Quantizers.parts} accepts is on the device. */
  public static DeviceScheme of(QuantizeRequest request) {
    QuantArgs args = request.scheme().weights();
    Format format =
        args.kind() == QuantArgs.Kind.INT
            ? Format.INTEGER
            : args.bits() == 8 ? Format.E4M3 : Format.E2M1;
    Rule rule = request.numerics() == Numerics.TORCHAO ? torchao(args) : compressedTensors(request);
    return new DeviceScheme(rule, format, args.bits(), storage(request));
  }

  /** fp8 codes and fp32 scales for activations, in the arithmetic of compressed-tensors. */
  static DeviceScheme activations(Format format) {
    return new DeviceScheme(Rule.CT_SYMMETRIC, format, Byte.SIZE, FLOAT_SCALE);
  }

  boolean packed() {
    return (storage & PACKED) != 0;
  }

  boolean asymmetric() {
    return rule == Rule.CT_ASYMMETRIC || rule == Rule.TORCHAO_ASYMMETRIC;
  }

  /** Whether scales stand under a factor of the whole tensor. */
  boolean hasFactor() {
    return rule == Rule.CT_NV || rule == Rule.TORCHAO_NV;
  }

  /** Bits that a code occupies. */
  int storedBits() {
    return packed() ? bits : Byte.SIZE;
  }

  private static Rule compressedTensors(QuantizeRequest request) {
    if (request.layout() == CheckpointLayout.DEEPSEEK) {
      return Rule.DEEPSEEK;
    }
    QuantArgs args = request.scheme().weights();
    return switch (args.scale()) {
      case WEIGHT_DTYPE -> args.symmetric() ? Rule.CT_SYMMETRIC : Rule.CT_ASYMMETRIC;
      case E8M0 -> Rule.CT_MICROSCALING;
      case E4M3_WITH_GLOBAL -> Rule.CT_NV;
    };
  }

  private static Rule torchao(QuantArgs args) {
    if (args.kind() == QuantArgs.Kind.INT) {
      if (!args.symmetric()) {
        return Rule.TORCHAO_ASYMMETRIC;
      }
      return args.bits() == Byte.SIZE ? Rule.TORCHAO_INT8 : Rule.TORCHAO_SYMMETRIC;
    }
    return switch (args.scale()) {
      case WEIGHT_DTYPE -> Rule.TORCHAO_FLOAT8;
      case E8M0 -> Rule.TORCHAO_MICROSCALING;
      case E4M3_WITH_GLOBAL -> Rule.TORCHAO_NV;
    };
  }

  private static int storage(QuantizeRequest request) {
    StorageFormat format = request.scheme().format();
    int codes =
        switch (format) {
          case PACK_QUANTIZED -> PACKED | BIASED;
          case NVFP4_PACK_QUANTIZED, MXFP4_PACK_QUANTIZED -> PACKED;
          case INT_QUANTIZED, FLOAT_QUANTIZED, NAIVE_QUANTIZED, MXFP8_QUANTIZED -> 0;
        };
    if (request.scheme().weights().scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE) {
      return codes | BYTE_SCALE;
    }
    return request.layout() == CheckpointLayout.DEEPSEEK ? codes | FLOAT_SCALE : codes;
  }
}
