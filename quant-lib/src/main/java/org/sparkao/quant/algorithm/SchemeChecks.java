package org.sparkao.quant.algorithm;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.StorageFormat;

/** Refuses what no loader could use, before a weight is read. */
final class SchemeChecks {
  private static final int SMALLEST_GROUP = 16;
  private static final int LARGEST_GROUP = 512;

  private SchemeChecks() {}

  static void check(QuantizeRequest request) {
    QuantScheme scheme = request.scheme();
    checkLayout(request);
    checkZeroPoints(scheme);
    checkColumns(request.weight());
    checkGroups(scheme, request.weight().columns());
    checkActivationGroups(scheme, request.weight().columns());
  }

  private static void checkLayout(QuantizeRequest request) {
    WeightLayout.of(request.layout()).check(request);
    QuantArgs weights = request.scheme().weights();
    if (weights.kind() == QuantArgs.Kind.FLOAT
        && weights.bits() == 4
        && weights.scale() == QuantArgs.ScaleKind.WEIGHT_DTYPE) {
      throw new QuantException(
          "scheme "
              + request.scheme().name()
              + ": no checkpoint format holds 4-bit floats with plain scales; use NVFP4A16 or"
              + " MXFP4A16");
    }
  }

  private static void checkZeroPoints(QuantScheme scheme) {
    Granularity granularity = scheme.weights().granularity();
    boolean byRows =
        granularity instanceof Granularity.PerRow || granularity instanceof Granularity.PerGroup;
    if (!scheme.weights().symmetric()
        && scheme.format() == StorageFormat.PACK_QUANTIZED
        && !byRows) {
      throw new QuantException(
          "scheme "
              + scheme.name()
              + ": pack-quantized has zero points for scales by row or group, not by "
              + granularity.strategy()
              + "; use granularity=row, symmetric=true or format=int-quantized");
    }
  }

  private static void checkColumns(WeightSpec weight) {
    if (weight.rowBytes() > Integer.MAX_VALUE / 2) {
      throw new QuantException(
          "rows of "
              + weight.columns()
              + " elements are too long; there may be "
              + Integer.MAX_VALUE / 2 / (weight.dtype().bits() / 8));
    }
  }

  private static void checkGroups(QuantScheme scheme, long columns) {
    if (scheme.weights().granularity() instanceof Granularity.PerGroup group
        && columns % group.size() != 0) {
      throw new QuantException(
          "row length "
              + columns
              + " is not a multiple of group size "
              + group.size()
              + " (scheme "
              + scheme.name()
              + "); "
              + wayOut(scheme, columns));
    }
  }

  private static String wayOut(QuantScheme scheme, long columns) {
    if (scheme.weights().scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE) {
      return "the group size is part of the format: skip the tensor or give it another scheme";
    }
    List<Integer> dividing =
        IntStream.iterate(SMALLEST_GROUP, size -> size <= LARGEST_GROUP, size -> 2 * size)
            .filter(size -> columns % size == 0)
            .boxed()
            .toList();
    return dividing.isEmpty()
        ? "use group_size=-1 (one scale a row), or skip the tensor"
        : dividing.stream()
                .map(String::valueOf)
                .collect(Collectors.joining(", ", "use group_size ", ""))
            + ", or -1 (one scale a row), or skip the tensor";
  }

  private static void checkActivationGroups(QuantScheme scheme, long columns) {
    Optional<Granularity> granularity = scheme.activations().map(QuantArgs::granularity);
    if (granularity.orElse(null) instanceof Granularity.PerGroup group
        && columns % group.size() != 0) {
      throw new QuantException(
          "row length "
              + columns
              + " is not a multiple of "
              + group.size()
              + ", the group size of the activations of scheme "
              + scheme.name()
              + "; skip the tensor or give it another scheme, such as FP8_DYNAMIC");
    }
  }
}
