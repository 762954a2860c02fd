package org.sparkao.jobs.export.plan;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparkao.jobs.export.plan.ExportPlan.PlannedFile;
import org.sparkao.jobs.export.plan.PlannedTensor.Origin;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointTensor;
import org.sparkao.quant.gguf.GgufHeader;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.gguf.GgufValue;
import org.sparkao.quant.llamacpp.LlamaNames;
import org.sparkao.quant.llamacpp.Splits;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.QuantScheme;

/**
 * Plans a GGUF file as llama.cpp's converter, and for blocks its llama-quantize, would write it:
 * the same tensors, types, order and metadata.
 */
public final class ExportPlanner {
  private static final Set<DType> READ = Set.of(DType.F32, DType.F16, DType.BF16);

  private final ExportOptions options;
  private final GgufRecipe recipe;

  /** A planner of files. */
  public ExportPlanner(ExportOptions options) {
    this.options = options;
    this.recipe = options.recipe();
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
    long parameters = 0;
    for (Draft draft : drafts) {
      parameters += draft.shape().stream().reduce(1L, Math::multiplyExact);
    }
    Map<String, GgufValue> metadata =
        new GgufMetadata(sizes, recipe)
            .of(
                name.orElseGet(() -> GgufMetadata.title(checkpoint.location())),
                parameters,
                GgufTokenizer.read(files, sizes.vocabulary()));
    options.importance().ifPresent(matrix -> metadata.putAll(matrix.metadata()));
    return new ExportPlan(recipe, checkpoint, files(drafts, metadata));
  }

  /** The files, of which the first has the metadata, as llama.cpp's {@code gguf-split} has them. */
  private List<PlannedFile> files(List<Draft> drafts, Map<String, GgufValue> metadata) {
    List<List<PlannedTensor>> groups = new ArrayList<>();
    List<PlannedTensor> group = new ArrayList<>();
    long offset = 0;
    for (Draft draft : drafts) {
      GgufTensor here = new GgufTensor(draft.name(), draft.shape(), draft.type(), offset);
      long end = GgufHeader.aligned(offset + here.bytes());
      if (!group.isEmpty() && end > options.splitBytes()) {
        groups.add(group);
        group = new ArrayList<>();
        here = new GgufTensor(draft.name(), draft.shape(), draft.type(), 0);
        end = GgufHeader.aligned(here.bytes());
      }
      group.add(new PlannedTensor(here, draft.origin(), importance(here)));
      offset = end;
    }
    groups.add(group);
    List<PlannedFile> files = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      Map<String, GgufValue> values = new LinkedHashMap<>(i == 0 ? metadata : Map.of());
      if (groups.size() > 1) {
        values.put(Splits.NUMBER, GgufValue.uint16(i));
        values.put(Splits.COUNT, GgufValue.uint16(groups.size()));
        values.put(Splits.TENSORS, GgufValue.int32(drafts.size()));
      }
      List<PlannedTensor> tensors = groups.get(i);
      files.add(
          new PlannedFile(
              new GgufHeader(values, tensors.stream().map(PlannedTensor::target).toList()),
              tensors));
    }
    return files;
  }

  /** Of the columns of a matrix; null where nothing is known of them. */
  private float[] importance(GgufTensor tensor) {
    if (tensor.shape().size() != 2 || options.importance().isEmpty()) {
      return null;
    }
    return options.importance().get().of(tensor.name(), tensor.shape().get(1)).orElse(null);
  }

  private List<Draft> drafts(Checkpoint checkpoint, LlamaSizes sizes) {
    TypeChoice types = new TypeChoice(options, sizes);
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
    QuantizedTensors quantized = QuantizedTensors.of(checkpoint);
    for (CheckpointTensor tensor : checkpoint.tensors()) {
      String name = tensor.entry().name();
      if (quantized.isPart(name)) {
        continue;
      }
      boolean copyOfEmbedding = sizes.tied() && name.equals("lm_head.weight");
      if (!LlamaNames.isComputed(name) && !copyOfEmbedding) {
        drafts.add(new Drafter(checkpoint, quantized, sizes, types).draft(tensor));
      }
    }
    requireAll(checkpoint, sizes, drafts);
    return drafts;
  }

  /** Drafts the tensors of a checkpoint. */
  private record Drafter(
      Checkpoint checkpoint, QuantizedTensors quantized, LlamaSizes sizes, TypeChoice types) {

    private Draft draft(CheckpointTensor tensor) {
      String source = quantized.weightName(tensor.entry().name());
      String where = tensor.entry().name() + " in " + checkpoint.location() + "/" + tensor.file();
      LlamaNames.Name name =
          LlamaNames.of(source)
              .orElseThrow(
                  () ->
                      new QuantException(
                          where + ": is no tensor of a Llama; remove it from the checkpoint"));
      Optional<QuantScheme> scheme = quantized.scheme(tensor);
      if (!READ.contains(tensor.entry().dtype()) && scheme.isEmpty()) {
        throw new QuantException(
            where + ": is of " + tensor.entry().dtype() + "; only F32, F16 and BF16 are exported");
      }
      List<Long> expected = TensorShapes.of(name.text(), sizes);
      // The model's runtime checks the tensors of codes when it opens them.
      List<Long> shape = scheme.isPresent() ? expected : tensor.entry().shape();
      if (!shape.equals(expected)) {
        throw new QuantException(
            where
                + ": has the shape "
                + shape
                + ", by config.json "
                + expected
                + "; correct either");
      }
      GgufType type =
          shape.size() == 1
              ? GgufType.F32
              : types.of(name.text(), Math.max(0, name.layer()), shape.get(1));
      int heads = TensorShapes.interleavedHeads(name.text(), sizes);
      String schemeName = scheme.map(QuantScheme::name).orElse("");
      String groups = quantized.weightName(tensor.entry().name()) + "_g_idx";
      boolean permuted = checkpoint.tensor(groups).isPresent();
      return new Draft(
          name.text(),
          name.layer(),
          shape,
          type,
          Origin.tensor(tensor, heads, schemeName, permuted));
    }
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
