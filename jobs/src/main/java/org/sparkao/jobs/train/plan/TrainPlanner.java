package org.sparkao.jobs.train.plan;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.WeightLookup;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.train.Float8;
import org.sparkao.jobs.calibrate.plan.CalibrationText;
import org.sparkao.jobs.calibrate.plan.TokenHash;
import org.sparkao.jobs.evaluate.plan.Sha256;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.LearnedScales;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.jobs.quantize.plan.TensorTask;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** Makes the plan. */
public final class TrainPlanner {
  /** Part of every fingerprint: changes whenever the same command gives other bytes. */
  private static final String FORMAT = "train 3";

  private static final long ANY_SIZE = Long.MAX_VALUE;

  private final Checkpoint checkpoint;
  private final Storage storage;
  private final Folder folder;
  private final ModelConfig model;
  private final Optional<Checkpoint> teacher;
  private final Optional<LearnedScales> scales;

  /**
   * A planner; reads headers.
   *
   * @param teacher whose outputs are learned; empty for the checkpoint itself
   * @param scales that learned ones begin with; empty to begin with those of the weights
   * @throws QuantException for a model that is not run, or is quantized already, and a teacher of
   *     another shape
   */
  public TrainPlanner(
      Checkpoint checkpoint,
      Optional<Checkpoint> teacher,
      Optional<LearnedScales> scales,
      Storage storage)
      throws IOException {
    this.checkpoint = checkpoint;
    this.teacher = teacher;
    this.scales = scales;
    this.storage = storage;
    this.folder = storage.folder(checkpoint.location());
    if (checkpoint.quantizationConfig().isPresent()) {
      throw new QuantException(
          checkpoint.location()
              + ": is quantized already (quantization_config in config.json); train the"
              + " full-precision checkpoint");
    }
    this.model = LanguageModels.inspect(checkpoint, folder);
    if (teacher.isPresent()) {
      new TeacherChecks(folder, model).require(teacher.get(), storage);
    }
  }

  /** Folder of the checkpoint. */
  public String location() {
    return checkpoint.location();
  }

  /** What the headers say. */
  public ModelConfig model() {
    return model;
  }

  /**
   * Reads the text.
   *
   * @param scheme of every layer that no rule names; empty to quantize none
   * @param rules as those of {@code quantize}
   * @param numerics what training computes with, for the fingerprint
   * @throws QuantException for whatever cannot be done
   */
  public TrainPlan plan(
      Optional<QuantScheme> scheme,
      List<Rule> rules,
      CalibrationText text,
      String data,
      TrainOptions options,
      String numerics)
      throws IOException {
    int context = model.sizes().context();
    if (options.sequenceLength() > context) {
      throw new QuantException(
          "--sequence-length "
              + options.sequenceLength()
              + ": the model's context is "
              + context
              + " (max_position_embeddings in config.json)");
    }
    WeightLookup lookup = WeightLookups.of(checkpoint, folder);
    requireTrained(options);
    requireOneArray(options, model.sizes().hidden());
    TrainMemory memory = TrainMemory.of(model, lookup, options, scheme.isPresent());
    List<TensorTask.Quantize> layers =
        scheme.isPresent() ? layers(scheme.get(), rules, options) : List.of();
    Map<String, String> schemes = new TreeMap<>();
    layers.forEach(layer -> schemes.put(layer.module(), layer.scheme()));
    requireTrainable(schemes, options.ranges());
    requireLearned(schemes, options.ranges());
    requireInputsAsTheyAre(schemes, options.compute().float8());
    List<int[]> sequences = text.read(storage, data, options.samples(), options.sequenceLength());
    Sha256 hash = new Sha256().line(FORMAT).line(checkpoint.fingerprint()).line(numerics);
    hash.line(TokenHash.of(sequences)).line(options.toString()).line(schemes.toString());
    teacher.ifPresent(one -> hash.line(one.fingerprint()));
    scales.ifPresent(learned -> hash.line(learned.place().fingerprint()));
    return new TrainPlan(
        model,
        schemes,
        stored(layers),
        sequences,
        options,
        teacher.map(Checkpoint::location),
        scales,
        memory,
        hash.hex());
  }

  private void requireTrained(TrainOptions options) {
    List<String> names =
        checkpoint.tensors().stream().map(tensor -> tensor.entry().name()).sorted().toList();
    long trained = names.stream().filter(options.trained()).count();
    boolean useless = !options.frozen().isEmpty() && trained == names.size();
    // Scales may be all that is learned.
    if (trained == 0 && options.ranges() == Ranges.COMPUTED || useless) {
      throw new QuantException(
          "--freeze "
              + options.frozen()
              + ": is found in "
              + (useless ? "none" : "all")
              + " of the names of "
              + names.size()
              + " tensors, such as "
              + names.get(0)
              + "; give part of the names of some");
    }
  }

  /** The same layers, checked in the same way, as {@code quantize} takes them. */
  private List<TensorTask.Quantize> layers(
      QuantScheme scheme, List<Rule> rules, TrainOptions options) throws IOException {
    requireDynamic(scheme);
    rules.forEach(rule -> rule.scheme().ifPresent(TrainPlanner::requireDynamic));
    Arithmetic arithmetic =
        new Arithmetic(
            WeightAlgorithm.RTN, options.numerics(), CheckpointLayout.COMPRESSED_TENSORS);
    QuantizePlan plan =
        new QuantizePlanner(
                new Recipe(scheme, rules, arithmetic, ANY_SIZE),
                new GivenFiles(Optional.empty(), Optional.empty(), scales))
            .plan(checkpoint, Optional.of(folder.read("config.json")));
    return plan.shards().stream()
        .flatMap(shard -> shard.tensors().stream())
        .filter(TensorTask.Quantize.class::isInstance)
        .map(TensorTask.Quantize.class::cast)
        .toList();
  }

  private static void requireDynamic(QuantScheme scheme) {
    if (scheme.needsInputScales()) {
      throw new QuantException(
          "scheme "
              + scheme.name()
              + ": stores a scale of the inputs, which is not trained; use a scheme with dynamic"
              + " inputs such as FP8_DYNAMIC, or one of weights alone such as NVFP4A16");
    }
  }

  private static void requireTrainable(Map<String, String> schemes, Ranges ranges) {
    schemes.forEach(
        (module, name) -> {
          boolean computed =
              Schemes.parse(name).weights().scale() != QuantArgs.ScaleKind.WEIGHT_DTYPE;
          if (computed && ranges != Ranges.COMPUTED) {
            throw new QuantException(
                module
                    + ": the scales of scheme "
                    + name
                    + " follow from the weights and cannot be learned; use --scales computed");
          }
        });
  }

  /** Scales of a stage before are gone on from, for all layers. */
  private void requireLearned(Map<String, String> schemes, Ranges ranges) {
    if (scales.isEmpty()) {
      return;
    }
    if (ranges == Ranges.COMPUTED) {
      throw scales
          .get()
          .refused(
              "holds scales that were learned, and --scales computed takes those of the weights;"
                  + " give --scales learned-step to go on from them");
    }
    scales.get().requireAll(schemes.keySet());
  }

  /** The processor holds the hidden states that trained blocks give in one array. */
  static void requireOneArray(TrainOptions options, int hidden) {
    long rows = (long) options.samples() * options.sequenceLength() + HostTensor.SPARE_ROWS;
    boolean onProcessor = options.compute().device() == DeviceInfo.Kind.CPU;
    if (onProcessor && options.readsStudent() && rows > Integer.MAX_VALUE / hidden) {
      throw new QuantException(
          "--block-inputs student: "
              + Texts.count(options.samples())
              + " sequences of "
              + Texts.count(options.sequenceLength())
              + " hidden states of "
              + Texts.count(hidden)
              + " numbers are more than an array of Java holds (2,147,483,647); choose fewer"
              + " --samples, leave --block-inputs out, or use a GPU");
    }
  }

  /** Numbers that a scheme makes of inputs would be rounded once more. */
  static void requireInputsAsTheyAre(Map<String, String> schemes, Float8 float8) {
    schemes.forEach(
        (module, name) -> {
          if (float8 != Float8.NONE && Schemes.parse(name).activations().isPresent()) {
            throw new QuantException(
                "--float8 "
                    + float8.configName()
                    + ": scheme "
                    + name
                    + " of "
                    + module
                    + " quantizes its inputs, which float8 would round once more; leave --float8"
                    + " out, or use a scheme of weights alone such as W4A16");
          }
        });
  }

  /** Scales have this type. Without layers there are none. */
  private DType stored(List<TensorTask.Quantize> layers) {
    if (layers.isEmpty()) {
      return DType.F32;
    }
    DType first = layers.get(0).weight().dtype();
    for (TensorTask.Quantize layer : layers) {
      if (layer.weight().dtype() != first) {
        throw new QuantException(
            layer.module()
                + " in "
                + checkpoint.location()
                + ": its weight is "
                + layer.weight().dtype()
                + " and that of "
                + layers.get(0).module()
                + " is "
                + first
                + "; scales inherit the type, store them all in one");
      }
    }
    return first;
  }
}
