package org.sparkao.jobs.quantize.plan;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.jobs.quantize.plan.TensorTask.Copy;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointIndexWriter;
import org.sparkao.quant.safetensors.Sha256;
import org.sparkao.quant.safetensors.TensorEntry;

/** Makes the plan of a run out of headers. */
public final class QuantizePlanner {
  /** Part of every fingerprint: changes whenever the same recipe gives other bytes. */
  private static final int CODE_FORMAT_VERSION = 1;

  private final Recipe recipe;
  private final GivenFiles given;

  /** A planner. */
  public QuantizePlanner(Recipe recipe, GivenFiles given) {
    this.recipe = recipe;
    this.given = given;
  }

  /**
   * The plan for a checkpoint. Depends on the checkpoint and the recipe alone.
   *
   * @param config text of its {@code config.json}; empty when it has none
   * @throws org.sparkao.quant.QuantException for whatever cannot be done
   */
  public QuantizePlan plan(Checkpoint checkpoint, Optional<byte[]> config) {
    TaskList list = new TaskList(checkpoint, recipe);
    new SenseChecks(checkpoint).require(list);
    Map<String, Copy> inputScales = new InputScales(given.inputScales()).copies(list.schemes());
    new ShapeChecks(recipe.arithmetic()).require(list.tasks());
    new SparsityChecks(recipe.arithmetic()).require(list.tasks());
    given.learned().ifPresent(scales -> scales.require(list.tasks(), recipe.arithmetic()));
    new CalibrationChecks(recipe.arithmetic(), given.statistics()).require(list.tasks());
    Map<String, Object> root =
        config
            .map(bytes -> ConfigJson.parse(checkpoint.location() + "/config.json", bytes))
            .orElseGet(TreeMap::new);
    List<SmoothedPair> smoothing =
        new SmoothingPairs(checkpoint, recipe.arithmetic(), list.tasks())
            .find(Optional.ofNullable(root.get("model_type")).map(Object::toString));
    List<ShardTask.Unit> units =
        new UnitGrouping(list.schemes(), inputScales, smoothing).units(list.tasks());
    List<ShardTask> shards =
        new ShardPacking(recipe.arithmetic(), recipe.maxShardBytes(), checkpoint.stem())
            .pack(units);
    if (Diffusers.holds(root)) {
      root.put("_name_or_path", Diffusers.pipelineName(checkpoint.location()));
    }
    OutputLayout layout = OutputLayout.of(recipe.arithmetic().layout());
    QuantizationConfig.replace(
        root,
        list.schemes().isEmpty()
            ? Optional.empty()
            : Optional.of(
                layout.config(
                    new OutputLayout.Decisions(
                        recipe,
                        list.schemes(),
                        list.ignored(),
                        Collections.unmodifiableMap(root)))));
    String configText = ConfigJson.format(root);
    Outputs outputs = outputs(shards);
    return new QuantizePlan(
        recipe.arithmetic(),
        recipe.nonFinite(),
        shards,
        smoothing,
        totals(shards, outputs),
        configText,
        new QuantizePlan.Index(
            checkpoint.stem() + ".safetensors.index.json",
            shards.size() == 1 ? "" : index(outputs)),
        checkpoint.sideFiles(),
        fingerprint(checkpoint, shards, smoothing, configText));
  }

  /**
   * The weights that become codes, in the order of the checkpoint, checked as {@link #plan} does
   * but for what is known of their inputs: calibrations that quantize as they go begin with them.
   *
   * @throws org.sparkao.quant.QuantException for whatever cannot be done
   */
  public List<Quantize> weights(Checkpoint checkpoint) {
    TaskList list = new TaskList(checkpoint, recipe);
    new SenseChecks(checkpoint).require(list);
    new ShapeChecks(recipe.arithmetic()).require(list.tasks());
    List<Quantize> weights =
        list.tasks().stream().filter(Quantize.class::isInstance).map(Quantize.class::cast).toList();
    new CalibrationChecks(recipe.arithmetic(), Optional.empty()).requireSchemes(weights);
    return weights;
  }

  /** What becomes of each tensor, in the order of the checkpoint; shapes are not looked at. */
  public List<TensorTask> tasks(Checkpoint checkpoint) {
    return new TaskList(checkpoint, recipe).tasks();
  }

  /** What the files will hold. */
  private record Outputs(Map<String, String> weightMap, long tensorBytes, long fileBytes) {}

  private Outputs outputs(List<ShardTask> shards) {
    Map<String, String> weightMap = new HashMap<>();
    long tensorBytes = 0;
    long fileBytes = 0;
    for (ShardTask shard : shards) {
      var header = shard.header(recipe.arithmetic());
      fileBytes += header.fileBytes();
      for (TensorEntry entry : header.entries()) {
        weightMap.put(entry.name(), shard.file());
        tensorBytes += entry.bytes();
      }
    }
    return new Outputs(weightMap, tensorBytes, fileBytes);
  }

  private static QuantizePlan.Totals totals(List<ShardTask> shards, Outputs outputs) {
    long sourceBytes = 0;
    long tensors = 0;
    long quantized = 0;
    for (ShardTask shard : shards) {
      sourceBytes += shard.sourceBytes();
      for (TensorTask task : shard.tensors()) {
        tensors++;
        quantized += task instanceof Quantize ? 1 : 0;
      }
    }
    return new QuantizePlan.Totals(sourceBytes, outputs.fileBytes(), tensors, quantized);
  }

  private static String index(Outputs outputs) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try {
      CheckpointIndexWriter.write(text, outputs.tensorBytes(), outputs.weightMap());
    } catch (IOException e) {
      throw new UncheckedIOException("an index in memory", e);
    }
    return text.toString(StandardCharsets.UTF_8);
  }

  /** The tasks are records of plain values, so that their text says everything about them. */
  private String fingerprint(
      Checkpoint checkpoint, List<ShardTask> shards, List<SmoothedPair> smoothing, String config) {
    MessageDigest digest = Sha256.newDigest();
    update(digest, "sparkao quantize " + CODE_FORMAT_VERSION);
    update(digest, checkpoint.fingerprint());
    update(digest, given.inputScales().map(Checkpoint::fingerprint).orElse("-"));
    update(digest, given.statistics().map(CalibrationFolder::hash).orElse("-"));
    given.learned().ifPresent(scales -> update(digest, scales.place().fingerprint()));
    update(digest, recipe.arithmetic().toString());
    update(digest, recipe.nonFinite().configName());
    shards.forEach(shard -> update(digest, shard.toString()));
    smoothing.forEach(pair -> update(digest, pair.toString()));
    update(digest, config);
    return Sha256.hex(digest);
  }

  private static void update(MessageDigest digest, String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) '\n');
  }
}
