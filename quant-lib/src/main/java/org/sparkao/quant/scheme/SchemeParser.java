package org.sparkao.quant.scheme;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerRow;
import org.sparkao.quant.scheme.Granularity.PerTensor;

/** {@code NAME} or {@code NAME(key=value, ...)} to a scheme. */
final class SchemeParser {
  private static final Pattern SYNTAX = Pattern.compile("\\s*([\\w-]+)\\s*(?:\\((.*)\\))?\\s*");
  private static final List<String> KEYS =
      List.of("group_size", "symmetric", "granularity", "format");
  private static final int DEFAULT_GROUP = 128;
  private static final int DEFAULT_BLOCK = 128;

  /** The group size that means one group a row. */
  private static final int WHOLE_ROW = -1;

  private SchemeParser() {}

  static QuantScheme parse(String text, List<QuantScheme> presets) {
    Matcher syntax = SYNTAX.matcher(text);
    if (!syntax.matches()) {
      throw new QuantException(
          "scheme \""
              + text
              + "\" is not NAME or NAME(key=value, ...), such as W4A16(group_size=64)");
    }
    String name = syntax.group(1).toUpperCase(Locale.ROOT);
    QuantScheme preset =
        presets.stream()
            .filter(scheme -> scheme.name().equals(name))
            .findFirst()
            .orElseThrow(() -> unknownScheme(text, presets));
    if (syntax.group(2) == null) {
      return preset;
    }
    Map<String, String> values = values(text, syntax.group(2));
    try {
      return SchemeNames.canonical(change(preset, values), presets);
    } catch (IllegalArgumentException e) {
      throw new QuantException("scheme \"" + text + "\": " + e.getMessage(), e);
    }
  }

  private static QuantException unknownScheme(String text, List<QuantScheme> presets) {
    String names = presets.stream().map(QuantScheme::name).collect(Collectors.joining(", "));
    return new QuantException("unknown scheme \"" + text + "\"; there are " + names);
  }

  private static Map<String, String> values(String text, String list) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String entry : list.split(",")) {
      if (entry.isBlank()) {
        continue;
      }
      String[] pair = entry.split("=", 2);
      String key = pair[0].strip();
      if (pair.length != 2 || !KEYS.contains(key)) {
        throw new QuantException(
            "scheme \""
                + text
                + "\": unknown parameter \""
                + entry.strip()
                + "\"; there are "
                + KEYS);
      }
      if (values.put(key, pair[1].strip()) != null) {
        throw new QuantException("scheme \"" + text + "\": " + key + " is given twice");
      }
    }
    return values;
  }

  private static QuantScheme change(QuantScheme preset, Map<String, String> values) {
    QuantArgs old = preset.weights();
    Granularity granularity = granularity(preset, values);
    boolean symmetric =
        Optional.ofNullable(values.get("symmetric"))
            .map(SchemeParser::parseBoolean)
            .orElse(old.symmetric());
    QuantArgs weights =
        new QuantArgs(old.kind(), old.bits(), symmetric, granularity, old.timing(), old.scale());
    if (old.scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE && !granularity.equals(old.granularity())) {
      throw new IllegalArgumentException(
          "the group size of "
              + preset.name()
              + " is part of its format: "
              + ((PerGroup) old.granularity()).size()
              + "; leave it out");
    }
    StorageFormat format =
        Optional.ofNullable(values.get("format"))
            .map(SchemeParser::parseFormat)
            .orElse(preset.format());
    checkFormat(weights, format);
    return new QuantScheme(preset.name(), weights, preset.activations(), format);
  }

  private static Granularity granularity(QuantScheme preset, Map<String, String> values) {
    Granularity old = preset.weights().granularity();
    Optional<Integer> size =
        Optional.ofNullable(values.get("group_size")).map(SchemeParser::parseGroupSize);
    String named = values.get("granularity");
    if (named == null) {
      if (size.isPresent() && old instanceof PerBlock) {
        throw new IllegalArgumentException(
            "group_size alone does not tell groups from blocks, which "
                + preset.name()
                + " has; add granularity=block or granularity=group");
      }
      return size.map(SchemeParser::group).orElse(old);
    }
    switch (named.toLowerCase(Locale.ROOT)) {
      case "tensor":
        requireNoSize(named, size);
        return new PerTensor();
      case "row":
      case "channel":
        requireNoSize(named, size.filter(given -> given != WHOLE_ROW));
        return new PerRow();
      case "group":
        return group(size.orElse(old instanceof PerGroup group ? group.size() : DEFAULT_GROUP));
      case "block":
        int side = size.orElse(DEFAULT_BLOCK);
        if (side == WHOLE_ROW) {
          throw new IllegalArgumentException(
              "group_size -1 is one group a row and no block; use a positive number");
        }
        return new PerBlock(side, side);
      default:
        throw new IllegalArgumentException(
            "granularity " + named + "; there are tensor, row, group, block");
    }
  }

  private static void requireNoSize(String granularity, Optional<Integer> size) {
    if (size.isPresent()) {
      throw new IllegalArgumentException(
          "granularity "
              + granularity
              + " has no group_size, but "
              + size.orElseThrow()
              + " is given; leave one of the two out");
    }
  }

  private static Granularity group(int size) {
    return size == WHOLE_ROW ? new PerRow() : new PerGroup(size);
  }

  private static int parseGroupSize(String value) {
    int size;
    try {
      size = Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("group_size " + value + " is not a whole number", e);
    }
    if (size != WHOLE_ROW && size < 1) {
      throw new IllegalArgumentException(
          "group_size " + size + "; use a positive number, or -1 for one group a row");
    }
    return size;
  }

  private static boolean parseBoolean(String value) {
    if (value.equalsIgnoreCase("true") || value.equalsIgnoreCase("false")) {
      return Boolean.parseBoolean(value);
    }
    throw new IllegalArgumentException("symmetric " + value + "; use true or false");
  }

  private static StorageFormat parseFormat(String value) {
    return StorageFormat.forConfigName(value.toLowerCase(Locale.ROOT))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "format "
                        + value
                        + "; there are int-quantized, pack-quantized,"
                        + " float-quantized, naive-quantized"));
  }

  private static void checkFormat(QuantArgs weights, StorageFormat format) {
    boolean integer = weights.kind() == QuantArgs.Kind.INT;
    boolean fits =
        switch (format) {
          case INT_QUANTIZED, PACK_QUANTIZED -> integer;
          case FLOAT_QUANTIZED, NAIVE_QUANTIZED ->
              !integer && weights.scale() == QuantArgs.ScaleKind.WEIGHT_DTYPE;
          case NVFP4_PACK_QUANTIZED -> weights.scale() == QuantArgs.ScaleKind.E4M3_WITH_GLOBAL;
          case MXFP4_PACK_QUANTIZED ->
              weights.scale() == QuantArgs.ScaleKind.E8M0 && weights.bits() == 4;
          case MXFP8_QUANTIZED ->
              weights.scale() == QuantArgs.ScaleKind.E8M0 && weights.bits() == 8;
        };
    if (!fits) {
      throw new IllegalArgumentException(
          "format " + format.configName() + " cannot hold " + weights.kind() + weights.bits());
    }
  }
}
