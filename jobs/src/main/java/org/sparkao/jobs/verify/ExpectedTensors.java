package org.sparkao.jobs.verify;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.sparkao.quant.config.QuantizedGroup;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerTensor;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.Kind;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;
import org.sparkao.quant.scheme.QuantArgs.Timing;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * What a module with weight [N, K] must consist of under a group of the configuration.
 *
 * <p>Source: the compressors of compressed-tensors 0.18 and the weight loaders of vLLM; DeepSeek's
 * block layout from vLLM {@code fp8.py}.
 */
final class ExpectedTensors {
  private static final Set<DType> FLOATS = EnumSet.of(DType.BF16, DType.F16, DType.F32);
  private static final List<List<Long>> ONE = List.of(List.of(1L), List.of());
  private static final int WORD_BITS = 32;

  private final QuantizedGroup group;
  private final QuantArgs weights;
  private final long rows;
  private final long columns;

  /** For a weight of {@code rows} output and {@code columns} input features. */
  ExpectedTensors(QuantizedGroup group, long rows, long columns) {
    this.group = group;
    this.weights = group.weights();
    this.rows = rows;
    this.columns = columns;
  }

  /** All of them. */
  List<ExpectedTensor> list() {
    List<ExpectedTensor> list = new ArrayList<>();
    if (group.layout() == CheckpointLayout.TORCHAO) {
      torchao(list);
      return list;
    }
    codes(list);
    list.add(scale());
    if (weights.scale() == ScaleKind.E4M3_WITH_GLOBAL) {
      list.add(new ExpectedTensor("weight_global_scale", Set.of(DType.F32), ONE));
    }
    if (!weights.symmetric()) {
      list.add(zeroPoint());
    }
    if (group.columnOrder() == QuantizedGroup.ColumnOrder.PERMUTED) {
      list.add(one("weight_g_idx", DType.I32, List.of(columns)));
    }
    group.activations().ifPresent(inputs -> inputs(inputs, list));
    return list;
  }

  private void codes(List<ExpectedTensor> list) {
    switch (group.format()) {
      case PACK_QUANTIZED -> {
        list.add(one("weight_packed", DType.I32, List.of(rows, words(columns))));
        list.add(one("weight_shape", DType.I64, List.of(2L)));
      }
      case NVFP4_PACK_QUANTIZED, MXFP4_PACK_QUANTIZED ->
          list.add(one("weight_packed", DType.U8, List.of(rows, columns / 2)));
      case INT_QUANTIZED -> list.add(one("weight", DType.I8, List.of(rows, columns)));
      case FLOAT_QUANTIZED, NAIVE_QUANTIZED, MXFP8_QUANTIZED ->
          list.add(one("weight", DType.F8_E4M3, List.of(rows, columns)));
    }
  }

  /** Source: torchao 0.18, the attributes of {@code Int8Tensor} and its like. */
  private void torchao(List<ExpectedTensor> list) {
    boolean integers = weights.kind() == Kind.INT;
    DType codes = integers ? DType.I8 : DType.F8_E4M3;
    list.add(one("_weight_qdata", codes, List.of(rows, columns)));
    list.add(new ExpectedTensor("_weight_scale", FLOATS, List.of(scaleShape())));
    if (integers) {
      list.add(one("_weight_zero_point", DType.I8, scaleShape()));
    }
  }

  private ExpectedTensor scale() {
    if (group.layout() == CheckpointLayout.DEEPSEEK) {
      return one("weight_scale_inv", DType.F32, scaleShape());
    }
    Set<DType> dtypes =
        switch (weights.scale()) {
          case WEIGHT_DTYPE -> FLOATS;
          case E8M0 -> Set.of(DType.U8);
          case E4M3_WITH_GLOBAL -> Set.of(DType.F8_E4M3);
        };
    boolean single = weights.granularity() instanceof PerTensor;
    return new ExpectedTensor("weight_scale", dtypes, single ? ONE : List.of(scaleShape()));
  }

  /** Shape of the scales of the weight: [N, K] to what the granularity says. */
  private List<Long> scaleShape() {
    Granularity granularity = weights.granularity();
    if (granularity instanceof PerBlock block) {
      return List.of(ceil(rows, block.rows()), ceil(columns, block.columns()));
    }
    if (granularity instanceof PerGroup perGroup) {
      return List.of(rows, ceil(columns, perGroup.size()));
    }
    return granularity instanceof PerTensor ? List.of(1L) : List.of(rows, 1L);
  }

  /** Packed along the rows in pack-quantized files, one byte each otherwise. */
  private ExpectedTensor zeroPoint() {
    List<Long> shape = scaleShape();
    boolean packable = shape.size() == 2;
    if (group.format() == StorageFormat.PACK_QUANTIZED && packable) {
      return one("weight_zero_point", DType.I32, List.of(words(shape.get(0)), shape.get(1)));
    }
    return one("weight_zero_point", DType.I8, shape);
  }

  private static void inputs(QuantArgs inputs, List<ExpectedTensor> list) {
    if (inputs.timing() == Timing.LOCAL
        || inputs.timing() == Timing.STATIC && inputs.scale() == ScaleKind.E4M3_WITH_GLOBAL) {
      list.add(new ExpectedTensor("input_global_scale", Set.of(DType.F32), ONE));
    } else if (inputs.timing() == Timing.STATIC) {
      list.add(new ExpectedTensor("input_scale", FLOATS, ONE));
      if (inputs.kind() == Kind.INT && !inputs.symmetric()) {
        list.add(new ExpectedTensor("input_zero_point", Set.of(DType.I8), ONE));
      }
    }
  }

  /** 32-bit words of a dense stream of {@code codes} codes. */
  private long words(long codes) {
    return ceil(codes * weights.bits(), WORD_BITS);
  }

  private static long ceil(long value, long divisor) {
    return (value + divisor - 1) / divisor;
  }

  private static ExpectedTensor one(String suffix, DType dtype, List<Long> shape) {
    return new ExpectedTensor(suffix, Set.of(dtype), List.of(shape));
  }
}
