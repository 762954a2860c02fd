package org.sparkao.gpu.model;

import java.util.Optional;
import java.util.Set;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerRow;
import org.sparkao.quant.scheme.Granularity.PerTensor;
import org.sparkao.quant.scheme.Granularity.PerToken;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.Kind;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;
import org.sparkao.quant.scheme.QuantArgs.Timing;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * How a layer of a scheme is to be computed; what a device does instead, its numerics say. With the
 * stored codes and with activations quantized as the scheme says, or with dequantized weights and
 * the numbers of such activations; those of schemes with stored scales that no product takes stay
 * as they are.
 *
 * @param weights what is multiplied
 * @param activations what x becomes before the product
 * @param sentence for the log and for rows of results
 */
public record ExecutionForm(Weights weights, Activations activations, String sentence) {
  private static final Set<Integer> GROUPS = Set.of(32, 64, 128);
  private static final int BLOCK = 128;

  /** What is multiplied. */
  public enum Weights {
    /** e4m3 codes; scales by tensor, row or blocks of 128 x 128. */
    FP8,
    /** int8 codes without zero points; scales by tensor, row or groups of 32, 64 or 128. */
    INT8,
    /** int4 codes, with zero points only where activations stay; by row or such groups. */
    INT4,
    /** Numbers, block by block of rows. */
    DEQUANTIZED
  }

  /** What x becomes. */
  public enum Activations {
    /** It stays as it is. */
    UNQUANTIZED,
    /** e4m3, a scale a row, from the row itself. */
    FP8_ROW,
    /** e4m3, one stored scale. */
    FP8_STATIC,
    /** e4m3, a scale each 128 columns of a row, from them. */
    FP8_GROUP,
    /** int8 without zero point, a scale a row, from the row itself. */
    INT8_ROW,
    /** int8 without zero point, one stored scale. */
    INT8_STATIC,
    /** In another way that needs no stored scale: numbers of the codes that the scheme says. */
    SCHEME
  }

  /** The form of a scheme. */
  public static ExecutionForm of(QuantScheme scheme) {
    QuantArgs args = scheme.weights();
    Optional<Activations> activations = activations(scheme.activations());
    Optional<Weights> weights =
        activations.flatMap(
            inputs ->
                args.scale() == ScaleKind.WEIGHT_DTYPE ? weights(args, inputs) : Optional.empty());
    return weights
        .map(form -> quantized(scheme, form, activations.get()))
        .orElseGet(() -> dequantized(scheme, activations.orElseGet(() -> rest(scheme))));
  }

  /** Whether stored codes are multiplied. */
  public boolean quantized() {
    return weights != Weights.DEQUANTIZED;
  }

  /** Whether int8 codes are multiplied with int8 codes, whose sums are exact. */
  public boolean sumsIntegers() {
    return weights == Weights.INT8
        && (activations == Activations.INT8_ROW || activations == Activations.INT8_STATIC);
  }

  /** Empty for activations that no product takes. */
  private static Optional<Activations> activations(Optional<QuantArgs> scheme) {
    if (scheme.isEmpty()) {
      return Optional.of(Activations.UNQUANTIZED);
    }
    QuantArgs args = scheme.get();
    if (args.bits() != Byte.SIZE || !args.symmetric() || args.scale() != ScaleKind.WEIGHT_DTYPE) {
      return Optional.empty();
    }
    boolean floats = args.kind() == Kind.FLOAT;
    Granularity granularity = args.granularity();
    if (args.timing() == Timing.STATIC) {
      return granularity instanceof PerTensor
          ? Optional.of(floats ? Activations.FP8_STATIC : Activations.INT8_STATIC)
          : Optional.empty();
    }
    if (granularity instanceof PerToken || granularity instanceof PerTensor) {
      return Optional.of(floats ? Activations.FP8_ROW : Activations.INT8_ROW);
    }
    return floats && granularity.equals(new PerGroup(BLOCK))
        ? Optional.of(Activations.FP8_GROUP)
        : Optional.empty();
  }

  /** Of activations that no product takes. */
  private static Activations rest(QuantScheme scheme) {
    return scheme.needsInputScales() ? Activations.UNQUANTIZED : Activations.SCHEME;
  }

  private static Optional<Weights> weights(QuantArgs args, Activations activations) {
    Granularity granularity = args.granularity();
    boolean whole = granularity instanceof PerRow || granularity instanceof PerTensor;
    boolean rowOrGroup =
        granularity instanceof PerRow
            || granularity instanceof PerGroup group && GROUPS.contains(group.size());
    boolean found =
        switch (activations) {
          case UNQUANTIZED ->
              args.kind() == Kind.INT
                  && (args.bits() == 4 && rowOrGroup
                      || args.bits() == 8 && args.symmetric() && (whole || rowOrGroup));
          case FP8_ROW ->
              args.kind() == Kind.FLOAT && whole
                  || args.kind() == Kind.INT && args.bits() == 4 && args.symmetric() && rowOrGroup;
          case FP8_STATIC -> args.kind() == Kind.FLOAT && whole;
          case FP8_GROUP ->
              args.kind() == Kind.FLOAT && granularity.equals(new PerBlock(BLOCK, BLOCK));
          case INT8_ROW ->
              args.kind() == Kind.INT
                  && args.symmetric()
                  && (args.bits() == 8 && whole || args.bits() == 4 && rowOrGroup);
          case INT8_STATIC ->
              args.kind() == Kind.INT && args.bits() == 8 && args.symmetric() && whole;
          case SCHEME -> false;
        };
    if (!found) {
      return Optional.empty();
    }
    return Optional.of(
        args.kind() == Kind.FLOAT ? Weights.FP8 : args.bits() == 4 ? Weights.INT4 : Weights.INT8);
  }

  private static ExecutionForm quantized(
      QuantScheme scheme, Weights weights, Activations activations) {
    boolean byTensor =
        scheme
            .activations()
            .filter(args -> args.timing() == Timing.DYNAMIC)
            .filter(args -> args.granularity() instanceof PerTensor)
            .isPresent();
    String codes = weights == Weights.FP8 ? "e4m3" : weights == Weights.INT8 ? "int8" : "int4";
    return new ExecutionForm(
        weights,
        activations,
        scheme.name()
            + ": weights "
            + codes
            + ", "
            + text(activations)
            + (byTensor ? ", where the scheme has one for the batch" : ""));
  }

  private static String text(Activations activations) {
    return switch (activations) {
      case UNQUANTIZED -> "activations as they are";
      case FP8_ROW -> "activations e4m3 with a scale a row";
      case FP8_STATIC -> "activations e4m3 with the stored scale";
      case FP8_GROUP -> "activations e4m3 with a scale each " + BLOCK + " columns";
      case INT8_ROW -> "activations int8 with a scale a row";
      case INT8_STATIC -> "activations int8 with the stored scale";
      case SCHEME -> "activations are rounded to the scheme's codes";
    };
  }

  private static ExecutionForm dequantized(QuantScheme scheme, Activations activations) {
    String inputs =
        scheme.activations().isEmpty()
            ? ""
            : activations == Activations.UNQUANTIZED
                ? ", activations are not quantized"
                : ", " + text(activations);
    return new ExecutionForm(
        Weights.DEQUANTIZED,
        activations,
        scheme.name() + ": weights are dequantized block by block" + inputs);
  }
}
