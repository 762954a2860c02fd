package org.sparkao.jobs.export.plan;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.export.plan.PlannedTensor.Origin;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.gguf.GgufHeader;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.gguf.GgufValue;
import org.sparkao.quant.safetensors.DType;

/**
 * Plans a GGUF file as llama.cpp's converter, and for blocks its llama-quantize, would write it:
 * the same tensors, types, order and metadata.
 */
public final class ExportPlanner {
  private static final Set<DType> READ = Set.of(DType.F32, DType.F16, DType.BF16);

  private final GgufRecipe recipe;
  private final boolean pure;

  /** How the matrices of a recipe get their types. */
  public enum Mixture {
    /** Some more bits where llama-quantize gives them. */
    MIXED,
    /** The recipe's type for all. */
    PURE
  }

  /** A planner of files of one recipe. */
  public ExportPlanner(GgufRecipe recipe, Mixture mixture) {
    this.recipe = recipe;
    this.pure = mixture == Mixture.PURE;
  }

  /** A tensor before it has its place. */
  private record Draft(String name, int layer, List<Long> shape, GgufType type, Origin origin) {}

  /**
   * Plans.
   *
   * @param files of the checkpoint's folder, for its tokenizer
   * @param name of the model; empty for that of its folder
   * @throws QuantException for what cannot be exported
   */
  public ExportPlan plan(Checkpoint checkpoint, Folder files, Optional<String> name)
      throws IOException {
    LlamaSizes sizes = LlamaSizes.of(checkpoint);
    List<Draft> drafts = drafts(checkpoint, sizes);
    if (!recipe.plain()) {
      drafts.sort(Comparator.comparingInt(Draft::layer).thenComparing(Draft::name));
    }
    List<PlannedTensor> tensors = new ArrayList<>();
    long offset = 0;
    long parameters = 0;
    for (Draft draft : drafts) {
      GgufTensor target = new GgufTensor(draft.name(), draft.shape(), draft.type(), offset);
      tensors.add(new PlannedTensor(target, draft.origin()));
      offset = GgufHeader.aligned(offset + target.bytes());
      parameters += draft.shape().stream().reduce(1L, Math::multiplyExact);
    }
    Map<String, GgufValue> metadata =
        new GgufMetadata(sizes, recipe)
            .of(
                name.orElseGet(() -> GgufMetadata.title(checkpoint.location())),
                parameters,
                GgufTokenizer.read(files, sizes.vocabulary()));
    GgufHeader header =
        new GgufHeader(metadata, tensors.stream().map(PlannedTensor::target).toList());
    return new ExportPlan(recipe, checkpoint, header, tensors);
  }

  private List<Draft> drafts(Checkpoint checkpoint, LlamaSizes sizes) {
    TypeChoice types = new TypeChoice(recipe, pure, sizes);
    List<Draft> drafts = new ArrayList<>();
    sizes
        .rope()
        .scaling()
        .ifPresent(
            stretch -> {
              float[] made = stretch.divisors(sizes.rope().base(), sizes.headSize());
              drafts.add(
                  new Draft(
                      "rope_freqs.weight",
                      -1,
                      List.of((long) made.length),
                      GgufType.F32,
                      Origin.made(made)));
            });
    for (CheckpointTensor tensor : checkpoint.tensors()) {
      String name = tensor.entry().name();
      boolean copyOfEmbedding = sizes.tied() && name.equals("lm_head.weight");
      if (!TensorNames.isComputed(name) && !copyOfEmbedding) {
        drafts.add(draft(checkpoint, tensor, sizes, types));
      }
    }
    requireAll(checkpoint, sizes, drafts);
    return drafts;
  }

  private static Draft draft(
      Checkpoint checkpoint, CheckpointTensor tensor, LlamaSizes sizes, TypeChoice types) {
    String source = tensor.entry().name();
    String where = source + " in " + checkpoint.location() + "/" + tensor.file();
    TensorNames.Name name =
        TensorNames.of(source)
            .orElseThrow(
                () ->
                    new QuantException(
                        where + ": is no tensor of a Llama; remove it from the checkpoint"));
    if (!READ.contains(tensor.entry().dtype())) {
      throw new QuantException(
          where + ": is of " + tensor.entry().dtype() + "; only F32, F16 and BF16 are exported");
    }
    List<Long> shape = tensor.entry().shape();
    List<Long> expected = TensorShapes.of(name.text(), sizes);
    if (!shape.equals(expected)) {
      throw new QuantException(
          where + ": has the shape " + shape + ", by config.json " + expected + "; correct either");
    }
    GgufType type =
        shape.size() == 1
            ? GgufType.F32
            : types.of(name.text(), Math.max(0, name.layer()), shape.get(1));
    return new Draft(
        name.text(),
        name.layer(),
        shape,
        type,
        Origin.tensor(tensor, TensorShapes.interleavedHeads(name.text(), sizes)));
  }

  private static void requireAll(Checkpoint checkpoint, LlamaSizes sizes, List<Draft> drafts) {
    Set<String> present = new HashSet<>();
    for (Draft draft : drafts) {
      present.add(draft.name());
    }
    for (String name : TensorShapes.all(sizes)) {
      if (!present.contains(name)) {
        throw new QuantException(
            checkpoint.location()
                + ": has no tensor for "
                + name
                + ", which a Llama of "
                + sizes.layers()
                + " layers needs; download the checkpoint again");
      }
    }
  }
}
