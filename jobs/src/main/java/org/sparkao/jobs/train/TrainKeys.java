package org.sparkao.jobs.train;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.train.Float8;
import org.sparkao.gpu.train.TrainerSettings.Decay;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.jobs.quantize.plan.Rule;
import org.sparkao.jobs.train.plan.BlockInputs;
import org.sparkao.jobs.train.plan.TrainMode;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/** What {@code train} can be told. */
final class TrainKeys {
  static final ConfigKey<String> CHECKPOINT =
      ConfigKey.text("checkpoint", "URI", "Folder of the full-precision checkpoint.");
  static final ConfigKey<String> TEACHER =
      ConfigKey.text(
          "teacher",
          "URI",
          "Checkpoint whose outputs are learned, those of blocks or what it predicts (--distill),"
              + " such as the dense one; when not given, that of --checkpoint.");
  static final ConfigKey<String> DATA =
      ConfigKey.text(
          "data", "URI", "Text or rows of tokens, as calibrate reads them; generate writes them.");
  static final ConfigKey<String> TEXT_COLUMN =
      ConfigKey.text("text-column", "NAME", "Column of texts in JSON lines and Parquet.")
          .withDefault("text");
  static final ConfigKey<String> OUTPUT =
      ConfigKey.output("output", "URI", "Folder to write; new, or of the same training.");
  static final ConfigKey<QuantScheme> SCHEME =
      ConfigKey.value(
          "scheme",
          "NAME",
          "Scheme that every linear layer which no rule names is trained for, as in quantize; with"
              + " --keep-zeros it may be left out, and nothing is quantized.",
          Schemes::parse);
  static final ConfigKey<Rule> RULE =
      ConfigKey.list("rule", "REGEX=SCHEME", "As in quantize. May be repeated.", Rule::parse);
  static final ConfigKey<Rule> SKIP =
      ConfigKey.list("skip", "REGEX", "As in quantize. May be repeated.", Rule::skip);
  static final ConfigKey<Numerics> NUMERICS =
      ConfigKey.choice(
              "numerics",
              Numerics.class,
              Numerics::configName,
              "Whose arithmetic codes have, to the bit; quantize must be told the same.")
          .withDefault("compressed-tensors");
  static final ConfigKey<TrainMode> MODE =
      ConfigKey.choice(
          "mode",
          TrainMode.class,
          TrainMode::configName,
          "Each block by itself, to give the outputs of the teacher's, over all executors;"
              + " or the whole model, by --workers.");
  static final ConfigKey<Integer> STEPS =
      ConfigKey.value("steps", "N", "Steps of a block, or of the model.", text -> whole(text, 1))
          .withDefault("100");
  static final ConfigKey<Integer> BATCH =
      ConfigKey.value(
              "batch-sequences",
              "N",
              "Sequences of a step, of each worker.",
              text -> whole(text, 1))
          .withDefault("8");
  static final ConfigKey<Integer> SAMPLES =
      ConfigKey.value(
          "samples",
          "N",
          "Sequences of the data. When not given, those of all steps: none is seen twice.",
          text -> whole(text, 1));
  static final ConfigKey<Integer> SEQUENCE_LENGTH =
      ConfigKey.value("sequence-length", "N", "Tokens of a sequence.", text -> whole(text, 2))
          .withDefault("512");
  static final ConfigKey<Double> LEARNING_RATE =
      ConfigKey.value(
              "learning-rate",
              "X",
              "The highest; from there it falls along half a cosine to 0.",
              TrainKeys::positive)
          .withDefault("1e-4");
  static final ConfigKey<Double> SCALE_LEARNING_RATE =
      ConfigKey.value(
          "scale-learning-rate",
          "X",
          "The highest of learned scales of weights; --learning-rate when not given. A scale moves"
              + " all codes of its group, so that less may be better.",
          TrainKeys::positive);
  static final ConfigKey<Integer> WARMUP =
      ConfigKey.value(
              "warmup", "N", "Steps until the highest learning rate.", text -> whole(text, 0))
          .withDefault("0");
  static final ConfigKey<Double> WEIGHT_DECAY =
      ConfigKey.value(
              "weight-decay", "X", "Of matrices, times the learning rate.", TrainKeys::notNegative)
          .withDefault("0");
  static final ConfigKey<Decay> DECAY_TO =
      ConfigKey.choice(
              "decay-to",
              Decay.class,
              Decay::configName,
              "Where weight decay moves matrices: zero, or start, the values that the training"
                  + " begins with, so that text which is not seen changes little.")
          .withDefault("zero");
  static final ConfigKey<Double> BETA2 =
      ConfigKey.value(
              "beta2",
              "X",
              "How much of its second moment AdamW keeps a step; smaller follows faster where steps"
                  + " are few.",
              TrainKeys::momentum)
          .withDefault("0.999");
  static final ConfigKey<Double> CLIP =
      ConfigKey.value("clip", "X", "Largest norm of all gradients together.", TrainKeys::positive)
          .withDefault("1");
  static final ConfigKey<StateFormat> STATES =
      ConfigKey.choice(
              "optimizer-states",
              StateFormat.class,
              StateFormat::configName,
              "What the moments of AdamW are stored as.")
          .withDefault("fp32");
  static final ConfigKey<Ranges> SCALES =
      ConfigKey.choice(
              "scales",
              Ranges.class,
              TrainKeys::name,
              "Scales of weights: computed from them at each step, as quantize does; learned-step"
                  + " (LSQ) or learned (plain gradients), written to qat_scales.safetensors.")
          .withDefault("computed");
  static final ConfigKey<String> INITIAL_SCALES =
      ConfigKey.text(
          "initial-scales",
          "URI",
          "Learned scales begin with those that an earlier training wrote; without it with the"
              + " qat_scales.safetensors beside the checkpoint, if there is one; none begins with"
              + " those of the weights.");
  static final ConfigKey<String> FREEZE =
      ConfigKey.list(
          "freeze",
          "REGEX",
          "Tensors in whose name REGEX is found keep their values; embed|lm_head|norm leaves the"
              + " linear layers. May be repeated.",
          TrainKeys::expression);
  static final ConfigKey<Boolean> DISTILL =
      ConfigKey.flag("distill", "In --mode model: learns what the teacher predicts.");
  static final ConfigKey<BlockInputs> BLOCK_INPUTS =
      ConfigKey.choice(
              "block-inputs",
              BlockInputs.class,
              BlockInputs::configName,
              "In --mode block: blocks read the hidden states of the teacher, each by itself; or of"
                  + " the trained blocks before (student), whose errors they learn to make up for,"
                  + " in one task, block after block.")
          .withDefault("teacher");
  static final ConfigKey<Double> TEMPERATURE =
      ConfigKey.value("temperature", "X", "Of both in --distill.", TrainKeys::positive)
          .withDefault("1");
  static final ConfigKey<Double> LABEL_WEIGHT =
      ConfigKey.value(
              "label-weight",
              "X",
              "In --distill: adds X times the cross entropy of the next token of the text to the"
                  + " divergence, for text that people wrote.",
              TrainKeys::notNegative)
          .withDefault("0");
  static final ConfigKey<Double> HIDDEN_WEIGHT =
      ConfigKey.value(
              "hidden-weight",
              "X",
              "In --distill: adds X times the squared error of the hidden states behind every block,"
                  + " relative to the teacher's squares, to the divergence.",
              TrainKeys::notNegative)
          .withDefault("0");
  static final ConfigKey<Boolean> KEEP_ZEROS =
      ConfigKey.flag(
          "keep-zeros",
          "Weights that are zero in the checkpoint, as quantize --sparsity makes"
              + " them, stay zero.");
  static final ConfigKey<Long> SEED =
      ConfigKey.value("seed", "N", "Of the order of sequences.", TrainKeys::seed).withDefault("0");
  static final ConfigKey<Integer> SAVE_EVERY =
      ConfigKey.value(
              "save-every",
              "N",
              "Steps between states that a killed run goes on from.",
              text -> whole(text, 1))
          .withDefault("100");
  static final ConfigKey<Integer> WORKERS =
      ConfigKey.value(
              "workers",
              "N",
              "In --mode model: tasks that train it at the same time, each on its own sequences;"
                  + " their values are averaged.",
              text -> whole(text, 1))
          .withDefault("1");
  static final ConfigKey<Integer> LOCAL_STEPS =
      ConfigKey.value(
              "local-steps",
              "N",
              "Steps that each of several --workers makes between averages.",
              text -> whole(text, 1))
          .withDefault("10");
  static final ConfigKey<Double> OUTER_LEARNING_RATE =
      ConfigKey.value(
              "outer-learning-rate",
              "X",
              "How far values move to the mean of --workers; 1 is there.",
              TrainKeys::positive)
          .withDefault("1");
  static final ConfigKey<Double> OUTER_MOMENTUM =
      ConfigKey.value(
              "outer-momentum",
              "X",
              "Nesterov's, of the moves to the mean of --workers (DiLoCo); below 1.",
              TrainKeys::momentum)
          .withDefault("0");
  static final ConfigKey<Integer> PARTITIONS =
      ConfigKey.value(
          "partitions",
          "N",
          "In --mode block: tasks that share the blocks; one an executor when not given. Results do"
              + " not depend on it.",
          text -> whole(text, 1));
  static final ConfigKey<DeviceRequest> DEVICE =
      ConfigKey.choice(
              "device",
              DeviceRequest.class,
              DeviceRequest::configName,
              "What computes; auto takes GPUs where all executors have one (conf/gpu.md).")
          .withDefault("auto");
  static final ConfigKey<Arithmetic> ARITHMETIC =
      ConfigKey.choice(
          "arithmetic",
          Arithmetic.class,
          arithmetic -> arithmetic.name().toLowerCase(Locale.ROOT),
          "What hidden states, their gradients and fake weights are rounded to; fp32 on the"
              + " processor, which has no other, and bf16 on GPUs when not given.");
  static final ConfigKey<Float8> FLOAT8 =
      ConfigKey.choice(
              "float8",
              Float8.class,
              Float8::configName,
              "On Hopper GPUs: linear layers of blocks multiply fp8, E4M3 forward and E5M2 gradients,"
                  + " with a scale a matrix or a row; for schemes of weights alone.")
          .withDefault("none");
  static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag("dry-run", "Checks everything, prints the plan, writes nothing.");

  private TrainKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(
        CHECKPOINT,
        TEACHER,
        DATA,
        TEXT_COLUMN,
        OUTPUT,
        SCHEME,
        RULE,
        SKIP,
        NUMERICS,
        MODE,
        STEPS,
        BATCH,
        SAMPLES,
        SEQUENCE_LENGTH,
        LEARNING_RATE,
        SCALE_LEARNING_RATE,
        WARMUP,
        WEIGHT_DECAY,
        DECAY_TO,
        BETA2,
        CLIP,
        STATES,
        SCALES,
        INITIAL_SCALES,
        FREEZE,
        BLOCK_INPUTS,
        DISTILL,
        TEMPERATURE,
        LABEL_WEIGHT,
        HIDDEN_WEIGHT,
        KEEP_ZEROS,
        SEED,
        SAVE_EVERY,
        WORKERS,
        LOCAL_STEPS,
        OUTER_LEARNING_RATE,
        OUTER_MOMENTUM,
        PARTITIONS,
        DEVICE,
        ARITHMETIC,
        FLOAT8,
        DRY_RUN);
  }

  private static String name(Ranges ranges) {
    return switch (ranges) {
      case COMPUTED -> "computed";
      case LEARNED_STEP -> "learned-step";
      case LEARNED -> "learned";
    };
  }

  private static String expression(String text) {
    try {
      return Pattern.compile(text).pattern();
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException("use a regular expression: " + e.getMessage(), e);
    }
  }

  private static int whole(String text, int least) {
    int number;
    try {
      number = Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("use a whole number", e);
    }
    if (number < least) {
      throw new IllegalArgumentException("use " + least + " or more");
    }
    return number;
  }

  private static long seed(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("use a whole number", e);
    }
  }

  private static double positive(String text) {
    double number = notNegative(text);
    if (number == 0) {
      throw new IllegalArgumentException("use more than 0");
    }
    return number;
  }

  private static double momentum(String text) {
    double number = notNegative(text);
    if (number >= 1) {
      throw new IllegalArgumentException("use less than 1");
    }
    return number;
  }

  private static double notNegative(String text) {
    double number;
    try {
      number = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("use a number", e);
    }
    if (!(number >= 0 && number < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("use 0 or more");
    }
    return number;
  }
}
