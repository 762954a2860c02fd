package org.sparkao.quant.config;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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

/**
 * One QuantArgs object of a {@code config.json}, as strictly as compressed-tensors reads it.
 *
 * <p>Source: compressed-tensors 0.18, {@code quantization/quant_args.py}: the fields, and the
 * validators in the order in which they run.
 */
public final class ArgsReader {
  private static final List<String> FIELDS =
      List.of(
          "num_bits",
          "type",
          "symmetric",
          "group_size",
          "strategy",
          "block_structure",
          "dynamic",
          "actorder",
          "scale_dtype",
          "zp_dtype",
          "observer",
          "observer_kwargs");
  private static final List<String> STRATEGIES =
      List.of("tensor", "channel", "group", "block", "token", "tensor_group", "attn_head");
  private static final List<String> DYNAMIC_STRATEGIES =
      List.of("token", "tensor", "tensor_group", "group");
  private static final String REJECTED = "compressed-tensors, in vLLM too, rejects the file; ";

  private final String path;
  private final JsonNode node;
  private final List<Finding> findings;
  private boolean readable = true;

  private ArgsReader(String path, JsonNode node, List<Finding> findings) {
    this.path = path;
    this.node = node;
    this.findings = findings;
  }

  /**
   * Reads one object.
   *
   * @param path where it stands, for messages
   * @param findings receives what is wrong
   * @return what it means; empty when it is wrong, and then {@code findings} says why
   */
  public static Optional<QuantArgs> read(String path, JsonNode node, List<Finding> findings) {
    return new ArgsReader(path, node, findings).read();
  }

  private Optional<QuantArgs> read() {
    if (!node.isObject()) {
      error("is " + node + ", not an object", "write {\"num_bits\": ..., \"type\": ...}");
      return Optional.empty();
    }
    node.fieldNames()
        .forEachRemaining(
            field -> {
              if (!FIELDS.contains(field)) {
                error("unknown field " + field, REJECTED + "remove it; known: " + FIELDS);
              }
            });
    String type = node.path("type").asText("int").toLowerCase(Locale.ROOT);
    if (!type.equals("int") && !type.equals("float")) {
      error("type is " + type, "write int or float");
    }
    Kind kind = type.equals("float") ? Kind.FLOAT : Kind.INT;
    int bits = node.path("num_bits").asInt(8);
    boolean symmetric = node.path("symmetric").asBoolean(true);
    checkCodes(kind, bits, symmetric);
    String strategy = strategy();
    checkStrategy(strategy);
    checkTiming(strategy);
    if (!readable) {
      return Optional.empty();
    }
    return Optional.of(
        new QuantArgs(kind, bits, symmetric, granularity(strategy), timing(), scale(kind, bits)));
  }

  private void checkCodes(Kind kind, int bits, boolean symmetric) {
    boolean known = kind == Kind.INT ? bits >= 1 && bits <= 8 : bits == 4 || bits == 8;
    if (!known) {
      error("num_bits is " + bits + " for type " + kind, "there are int 1 to 8, float 4 and 8");
    }
    if (kind == Kind.FLOAT && !symmetric) {
      error("float codes are not symmetric", "write \"symmetric\": true");
    }
  }

  private String strategy() {
    if (node.hasNonNull("strategy")) {
      return node.get("strategy").asText().toLowerCase(Locale.ROOT);
    }
    if (!node.hasNonNull("group_size")) {
      return "tensor";
    }
    return groupSize() == -1 ? "channel" : "group";
  }

  private void checkStrategy(String strategy) {
    if (!STRATEGIES.contains(strategy)) {
      error("strategy is " + strategy, "there are " + STRATEGIES);
    }
    boolean grouped = strategy.equals("group") || strategy.equals("tensor_group");
    if (grouped && groupSize() < 1) {
      error(
          "strategy " + strategy + " with group_size " + node.path("group_size"),
          REJECTED + "write the size of a group");
    }
    if (!grouped && groupSize() > 0) {
      error(
          "group_size " + groupSize() + " with strategy " + strategy,
          REJECTED + "write null, or strategy group");
    }
    boolean block = strategy.equals("block");
    if (block != node.hasNonNull("block_structure")) {
      error(
          "strategy " + strategy + " with block_structure " + node.path("block_structure"),
          REJECTED + "block_structure goes with strategy block, and only with it");
    } else if (block && !blockStructureReadable()) {
      error(
          "block_structure is " + node.get("block_structure"), REJECTED + "write [rows, columns]");
    }
    if (columnsPermuted(node) && !grouped) {
      error(
          "actorder group with strategy " + strategy,
          REJECTED + "permuted columns need groups; write \"actorder\": null");
    }
  }

  private boolean blockStructureReadable() {
    JsonNode block = node.get("block_structure");
    return block.isArray()
        && block.size() == 2
        && block.path(0).asInt() > 0
        && block.path(1).asInt() > 0;
  }

  private void checkTiming(String strategy) {
    JsonNode dynamic = node.path("dynamic");
    boolean local = dynamic.asText().equals("local");
    if (dynamic.isTextual() && !local) {
      error("dynamic is " + dynamic, "write false, true or \"local\"");
    }
    if (strategy.equals("token") && !dynamic.asBoolean() && !local) {
      error("strategy token is not dynamic", REJECTED + "write \"dynamic\": true");
    }
    if (local && !strategy.equals("tensor_group")) {
      error(
          "dynamic \"local\" with strategy " + strategy,
          REJECTED + "\"local\" goes with tensor_group only");
    }
    if (dynamic.asBoolean() && !DYNAMIC_STRATEGIES.contains(strategy)) {
      error(
          "dynamic with strategy " + strategy,
          REJECTED + "dynamic goes with " + DYNAMIC_STRATEGIES);
    }
    if (dynamic.asBoolean() && node.hasNonNull("observer")) {
      findings.add(
          Finding.warning(
              path,
              "an observer, " + node.get("observer") + ", for scales that are found at run time",
              "write \"observer\": null; readers ignore it with a warning"));
    }
  }

  private Granularity granularity(String strategy) {
    return switch (strategy) {
      case "channel" -> new PerRow();
      case "token" -> new PerToken();
      case "group", "tensor_group" -> new PerGroup(groupSize());
      case "block" ->
          new PerBlock(
              node.get("block_structure").get(0).asInt(),
              node.get("block_structure").get(1).asInt());
      default -> new PerTensor();
    };
  }

  private Timing timing() {
    if (node.path("dynamic").asText().equals("local")) {
      return Timing.LOCAL;
    }
    return node.path("dynamic").asBoolean() ? Timing.DYNAMIC : Timing.STATIC;
  }

  /** Files of early versions have no scale_dtype: then float 4 tells its kind by the group. */
  private ScaleKind scale(Kind kind, int bits) {
    if (kind == Kind.FLOAT && groupSize() == 32) {
      boolean bytes = node.path("scale_dtype").asText().endsWith("uint8");
      return bits == 4 || bytes ? ScaleKind.E8M0 : ScaleKind.WEIGHT_DTYPE;
    }
    boolean nvfp4 = kind == Kind.FLOAT && bits == 4;
    return nvfp4 ? ScaleKind.E4M3_WITH_GLOBAL : ScaleKind.WEIGHT_DTYPE;
  }

  private int groupSize() {
    return node.path("group_size").asInt(0);
  }

  /** Whether the columns of a weight were permuted by activation order. */
  static boolean columnsPermuted(JsonNode args) {
    JsonNode order = args.path("actorder");
    return order.isBoolean() && order.asBoolean()
        || order.asText().equals("group")
        || order.asText().equals("dynamic");
  }

  private void error(String what, String wayOut) {
    readable = false;
    findings.add(Finding.error(path, what, wayOut));
  }
}
