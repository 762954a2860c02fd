package org.sparkao.quant.scheme;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerRow;

/**
 * One name for each scheme, however it was written: {@code W4A16(group_size=128)} is {@code W4A16},
 * {@code W4A16(symmetric=false)} is {@code W4A16_ASYM}.
 */
final class SchemeNames {
  private SchemeNames() {}

  /**
   * The scheme by the name of the preset that needs the fewest parameters, parameters sorted by
   * name. Of several such presets the first counts.
   */
  static QuantScheme canonical(QuantScheme scheme, List<QuantScheme> presets) {
    return renamed(scheme, name(scheme, presets).orElseThrow());
  }

  /** The same by its name, or by a description where no preset leads to it. */
  static QuantScheme named(QuantScheme scheme, List<QuantScheme> presets) {
    return renamed(scheme, name(scheme, presets).orElseGet(() -> description(scheme)));
  }

  private static QuantScheme renamed(QuantScheme scheme, String name) {
    return new QuantScheme(name, scheme.weights(), scheme.activations(), scheme.format());
  }

  private static Optional<String> name(QuantScheme scheme, List<QuantScheme> presets) {
    return presets.stream()
        .filter(preset -> reaches(preset, scheme))
        .min(Comparator.comparing(preset -> parameters(preset, scheme).size()))
        .map(preset -> name(preset.name(), parameters(preset, scheme)));
  }

  /** Such as {@code INT8 channel static + INT8 tensor static (int-quantized)}. */
  private static String description(QuantScheme scheme) {
    return description(scheme.weights())
        + scheme.activations().map(args -> " + " + description(args)).orElse("")
        + " ("
        + scheme.format().configName()
        + ")";
  }

  private static String description(QuantArgs args) {
    Granularity granularity = args.granularity();
    String size =
        granularity instanceof PerGroup group
            ? " of " + group.size()
            : granularity instanceof PerBlock block
                ? " of " + block.rows() + "x" + block.columns()
                : "";
    return args.kind().name()
        + args.bits()
        + " "
        + granularity.strategy()
        + size
        + (args.symmetric() ? " " : " asymmetric ")
        + args.timing().name().toLowerCase(Locale.ROOT);
  }

  /** Whether parameters lead from a preset to a scheme. */
  private static boolean reaches(QuantScheme preset, QuantScheme scheme) {
    QuantArgs from = preset.weights();
    QuantArgs to = scheme.weights();
    boolean spelled =
        to.scale() == QuantArgs.ScaleKind.WEIGHT_DTYPE
            ? !(to.granularity() instanceof PerBlock block) || block.rows() == block.columns()
            : to.granularity().equals(from.granularity()) && preset.format() == scheme.format();
    return spelled
        && from.kind() == to.kind()
        && from.bits() == to.bits()
        && from.timing() == to.timing()
        && from.scale() == to.scale()
        && preset.activations().equals(scheme.activations());
  }

  private static Map<String, String> parameters(QuantScheme preset, QuantScheme scheme) {
    Map<String, String> parameters = new TreeMap<>();
    Granularity granularity = scheme.weights().granularity();
    Granularity old = preset.weights().granularity();
    if (!granularity.equals(old)) {
      if (granularity instanceof PerGroup group) {
        parameters.put("group_size", Integer.toString(group.size()));
        if (old instanceof PerBlock) {
          parameters.put("granularity", "group");
        }
      } else if (granularity instanceof PerRow && old instanceof PerGroup) {
        parameters.put("group_size", "-1");
      } else if (granularity instanceof PerBlock block) {
        parameters.put("granularity", "block");
        parameters.put("group_size", Integer.toString(block.rows()));
      } else {
        parameters.put("granularity", granularity instanceof PerRow ? "row" : "tensor");
      }
    }
    if (scheme.weights().symmetric() != preset.weights().symmetric()) {
      parameters.put("symmetric", Boolean.toString(scheme.weights().symmetric()));
    }
    if (scheme.format() != preset.format()) {
      parameters.put("format", scheme.format().configName());
    }
    return parameters;
  }

  private static String name(String preset, Map<String, String> parameters) {
    return parameters.isEmpty()
        ? preset
        : parameters.entrySet().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue())
            .collect(Collectors.joining(", ", preset + "(", ")"));
  }
}
