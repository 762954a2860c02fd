package org.sparkao.quant.scheme;

import static org.sparkao.quant.scheme.QuantArgs.Kind.FLOAT;
import static org.sparkao.quant.scheme.QuantArgs.Kind.INT;
import static org.sparkao.quant.scheme.QuantArgs.ScaleKind.E4M3_WITH_GLOBAL;
import static org.sparkao.quant.scheme.QuantArgs.ScaleKind.E8M0;
import static org.sparkao.quant.scheme.QuantArgs.ScaleKind.WEIGHT_DTYPE;
import static org.sparkao.quant.scheme.QuantArgs.Timing.DYNAMIC;
import static org.sparkao.quant.scheme.QuantArgs.Timing.LOCAL;
import static org.sparkao.quant.scheme.QuantArgs.Timing.STATIC;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerRow;
import org.sparkao.quant.scheme.Granularity.PerTensor;
import org.sparkao.quant.scheme.Granularity.PerToken;

/**
 * Every scheme that has a name. A new combination is one line here; {@link #parse} changes the
 * parameters of one: {@code W4A16(group_size=64)}.
 *
 * <p>Source: the presets of compressed-tensors, {@code quantization/quant_scheme.py}; 8DA4W is
 * torchao's {@code Int8DynamicActivationIntxWeightConfig}.
 */
public final class Schemes {

  private static final QuantArgs FP8_TOKEN = activations(FLOAT, 8, true, new PerToken());
  private static final QuantArgs INT8_TOKEN = activations(INT, 8, true, new PerToken());

  private static final List<QuantScheme> PRESETS = presets();

  private Schemes() {}

  /** All presets, in the order of the documentation. */
  public static List<QuantScheme> all() {
    return PRESETS;
  }

  /**
   * The scheme that {@code text} names: a preset, any letter case, with optional parameters in
   * parentheses.
   *
   * @throws org.sparkao.quant.QuantException listing what there is when a name or a parameter is
   *     unknown
   */
  public static QuantScheme parse(String text) {
    return SchemeParser.parse(text, PRESETS);
  }

  /**
   * The scheme of these parts, as a checkpoint of anybody states them, by the name that {@link
   * #parse} knows; where there is none, by a description.
   */
  public static QuantScheme named(
      QuantArgs weights, Optional<QuantArgs> activations, StorageFormat format) {
    return SchemeNames.named(new QuantScheme("", weights, activations, format), PRESETS);
  }

  private static List<QuantScheme> presets() {
    List<QuantScheme> list = new ArrayList<>();
    list.add(
        preset(
            "FP8",
            weights(FLOAT, 8, true, new PerTensor(), WEIGHT_DTYPE),
            new QuantArgs(FLOAT, 8, true, new PerTensor(), STATIC, WEIGHT_DTYPE)));
    list.add(preset("FP8_DYNAMIC", weights(FLOAT, 8, true, new PerRow(), WEIGHT_DTYPE), FP8_TOKEN));
    list.add(preset("FP8A16", weights(FLOAT, 8, true, new PerRow(), WEIGHT_DTYPE), null));
    list.add(
        preset(
            "FP8_BLOCK",
            weights(FLOAT, 8, true, new PerBlock(128, 128), WEIGHT_DTYPE),
            activations(FLOAT, 8, true, new PerGroup(128))));
    list.add(preset("W8A8", weights(INT, 8, true, new PerRow(), WEIGHT_DTYPE), INT8_TOKEN));
    for (int bits = 2; bits <= 8; bits++) {
      list.add(preset("W" + bits + "A16", groups(bits, 128, true), null));
    }
    list.add(preset("W4A16_ASYM", groups(4, 128, false), null));
    list.add(packed(preset("W4A8", groups(4, 128, true), INT8_TOKEN)));
    list.add(packed(preset("W4AFP8", groups(4, 128, true), FP8_TOKEN)));
    list.add(
        packed(preset("8DA4W", groups(4, 32, true), activations(INT, 8, false, new PerToken()))));
    QuantArgs nvfp4 = weights(FLOAT, 4, true, new PerGroup(16), E4M3_WITH_GLOBAL);
    list.add(preset("NVFP4A16", nvfp4, null));
    list.add(
        preset(
            "NVFP4",
            nvfp4,
            new QuantArgs(FLOAT, 4, true, new PerGroup(16), LOCAL, E4M3_WITH_GLOBAL)));
    for (int bits : new int[] {4, 8}) {
      QuantArgs mx = weights(FLOAT, bits, true, new PerGroup(32), E8M0);
      list.add(preset("MXFP" + bits + "A16", mx, null));
      list.add(
          preset(
              "MXFP" + bits,
              mx,
              new QuantArgs(FLOAT, bits, true, new PerGroup(32), DYNAMIC, E8M0)));
    }
    return List.copyOf(list);
  }

  private static QuantScheme preset(String name, QuantArgs weights, QuantArgs activations) {
    Optional<QuantArgs> input = Optional.ofNullable(activations);
    return new QuantScheme(name, weights, input, StorageFormat.infer(weights, input));
  }

  private static QuantScheme packed(QuantScheme scheme) {
    return new QuantScheme(
        scheme.name(), scheme.weights(), scheme.activations(), StorageFormat.PACK_QUANTIZED);
  }

  private static QuantArgs groups(int bits, int size, boolean symmetric) {
    return weights(INT, bits, symmetric, new PerGroup(size), WEIGHT_DTYPE);
  }

  private static QuantArgs weights(
      QuantArgs.Kind kind,
      int bits,
      boolean symmetric,
      Granularity granularity,
      QuantArgs.ScaleKind scale) {
    return new QuantArgs(kind, bits, symmetric, granularity, STATIC, scale);
  }

  private static QuantArgs activations(
      QuantArgs.Kind kind, int bits, boolean symmetric, Granularity granularity) {
    return new QuantArgs(kind, bits, symmetric, granularity, DYNAMIC, WEIGHT_DTYPE);
  }
}
