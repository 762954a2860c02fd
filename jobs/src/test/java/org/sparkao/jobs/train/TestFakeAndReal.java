package org.sparkao.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.datasets.tokenizer.SpecialTokens;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.fake.FakeSettings;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.fake.HostFakes;
import org.sparkao.gpu.fake.SchemeFakes;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.WeightLookups;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.train.ModelSetup;
import org.sparkao.gpu.train.NextToken;
import org.sparkao.gpu.train.TokenBatch;
import org.sparkao.gpu.train.TrainableModel;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;
import org.sparkao.jobs.evaluate.EvaluateFixture;
import org.sparkao.jobs.evaluate.EvaluateJob;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.quantize.plan.LinearModules;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.LocalFiles;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSource;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.QuantScheme;
import org.sparkao.quant.scheme.Schemes;

/**
 * What a trained model says while its weights are fake, and after {@code quantize} made codes of
 * them: the mean log-likelihood of a token is the same within 1e-3, in fp32.
 */
class TestFakeAndReal {
  private static final String LEARNED = "W3A16(group_size=64,symmetric=false)";
  private static final int TEXTS = 24;
  private static final double TOLERANCE = 1e-3;

  @TempDir private static Path shared;
  private static Path trained;
  private static List<int[]> sequences;
  private static SparkLease spark;

  @TempDir private Path temp;

  @BeforeAll
  static void trainOnce() throws Exception {
    Path model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    List<String> texts = BundledSample.heldOutText();
    Path data = Files.writeString(shared.resolve("text.txt"), String.join("\n", texts));
    spark = SparkLease.open(JobRun.config(new TrainJob()), "test");
    trained = shared.resolve("trained");
    String[] options = {
      "checkpoint",
      model.toString(),
      "data",
      data.toString(),
      "output",
      trained.toString(),
      "tables",
      shared.resolve("tables").toString(),
      "scheme",
      LEARNED,
      "mode",
      "model",
      "scales",
      "learned-step",
      "steps",
      "6",
      "batch-sequences",
      "4",
      "sequence-length",
      "32",
      "learning-rate",
      "1e-3"
    };
    JobRun.of(new TrainJob(), options);
    List<String> lines = new ArrayList<>();
    sequences = new ArrayList<>();
    try (Tokenizer tokenizer = Tokenizers.open(model)) {
      for (String text : texts.subList(0, TEXTS)) {
        String plain = text.replace("\"", "").strip();
        lines.add("{\"t\": \"%s\"}".formatted(plain));
        int[] ids = tokenizer.encode(plain);
        int[] sequence = new int[ids.length + 1];
        // As evaluate scores a whole text: behind the token that begins texts, or ends them.
        SpecialTokens special = tokenizer.specialTokens();
        sequence[0] = (special.bos().isPresent() ? special.bos() : special.eos()).getAsInt();
        System.arraycopy(ids, 0, sequence, 1, ids.length);
        sequences.add(sequence);
      }
    }
    Files.write(shared.resolve("text.jsonl"), lines);
    EvaluateFixture.writeTask(
        shared, "text", "perplexity", "target: \"{{t}}\"\nmetrics: [token_perplexity]");
  }

  @AfterAll
  static void stopSpark() {
    spark.close();
  }

  @Test
  void learnedScales() throws Exception {
    assertThat(trained.resolve("qat_scales.safetensors")).exists();
    assertThat(real(LEARNED, ""))
        .isCloseTo(fake(LEARNED, Ranges.LEARNED_STEP), within(TOLERANCE))
        // Scales that moved are others than those of the weights.
        .isNotCloseTo(fake(LEARNED, Ranges.COMPUTED), within(1e-6));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "8DA4W(group_size=64)",
        "8DA4W(group_size=-1)",
        "W3A16(group_size=64,symmetric=false)",
        "W8A8",
        "FP8_DYNAMIC",
        "MXFP4",
        "NVFP4A16"
      })
  void computedScales(String scheme) throws Exception {
    assertThat(real(scheme, "none")).isCloseTo(fake(scheme, Ranges.COMPUTED), within(TOLERANCE));
  }

  /** Mean log-likelihood of a token behind the first of each text. */
  private static double fake(String scheme, Ranges ranges) throws Exception {
    QuantScheme parsed = Schemes.parse(scheme);
    CheckpointFiles files = LocalFiles.of(trained);
    Checkpoint checkpoint = Checkpoint.open(files);
    ModelConfig config = LanguageModels.inspect(checkpoint, files);
    DType stored = checkpoint.tensors().get(0).entry().dtype();
    int longest = sequences.stream().mapToInt(ids -> ids.length).max().orElseThrow();
    try (CpuDevice device = CpuDevice.open();
        CpuTrainingOperators operators = new CpuTrainingOperators(device, 2)) {
      SchemeFakes fakes =
          new SchemeFakes(
              new HostFakes(device, operators.workers()),
              new FakeSettings(Numerics.COMPRESSED_TENSORS, stored, ranges),
              new SchemeFakes.Modules(
                  module -> module.contains("_proj") ? Optional.of(parsed) : Optional.empty(),
                  module -> LinearModules.fusedGroup(module).orElse(module),
                  module -> Optional.empty(),
                  module -> Optional.empty()));
      ModelSetup setup = ModelSetup.full(longest, longest).training(name -> false);
      try (TrainableModel model =
          TrainableModel.load(
              operators, config, WeightLookups.of(checkpoint, files), setup.withFakes(fakes))) {
        takeLearned(model.parameters());
        double sum = 0;
        long tokens = 0;
        for (int[] sequence : sequences) {
          TokenBatch batch = TokenBatch.of(List.of(sequence));
          sum -= model.loss(batch, new NextToken(operators)).sum();
          tokens += batch.predicted();
        }
        return sum / tokens;
      }
    }
  }

  /** Scales as the training wrote them; there is nothing to take where they are computed. */
  private static void takeLearned(List<Parameter> scales) throws Exception {
    try (FileSource file = FileSource.open(trained.resolve("qat_scales.safetensors"))) {
      Map<String, TensorEntry> entries = new HashMap<>();
      SafetensorsHeader.read(file).entries().forEach(entry -> entries.put(entry.name(), entry));
      for (Parameter scale : scales) {
        TensorEntry entry = entries.get(scale.name());
        byte[] bytes = new byte[(int) entry.bytes()];
        file.readFully(entry.begin(), bytes, 0, bytes.length);
        float[] values = new float[Math.toIntExact(scale.value().elements())];
        for (int i = 0; i < values.length; i++) {
          values[i] =
              entry.dtype() == DType.I8
                  ? bytes[i]
                  : WeightType.valueOf(entry.dtype().name())
                      .read(bytes, (int) entry.dtype().bytes(i));
        }
        scale.value().write(values, 0);
      }
    }
  }

  private double real(String scheme, String scales) throws Exception {
    Path quantized = temp.resolve("quantized");
    List<String> options = new ArrayList<>(List.of("checkpoint", trained.toString()));
    options.addAll(List.of("output", quantized.toString(), "device", "cpu", "scheme", scheme));
    options.addAll(List.of("tables", temp.resolve("tables").toString()));
    if (!scales.isEmpty()) {
      options.addAll(List.of("scales", scales));
    }
    JobRun.of(new QuantizeJob(), options.toArray(String[]::new));
    String tables = temp.resolve("evaluated").toString();
    String[] evaluate = {
      "checkpoint",
      quantized.toString(),
      "tasks",
      shared.resolve("text.yaml").toString(),
      "data",
      shared.toString(),
      "device",
      "cpu",
      "tables",
      tables,
      "run-id",
      "r"
    };
    JobRun.of(new EvaluateJob(), evaluate);
    List<EvalItemRow> rows =
        new DeltaStore(Storage.ofAssignments(List.of()), tables)
            .read(EvalItemRow.TABLE, "r").stream().map(EvalItemRow::of).toList();
    assertThat(rows).hasSize(TEXTS);
    double sum = rows.stream().mapToDouble(row -> row.outcome().logLikelihoods().get(0)).sum();
    long tokens = rows.stream().mapToLong(row -> row.outcome().continuationTokens().get(0)).sum();
    int behindTheFirst = sequences.stream().mapToInt(ids -> ids.length - 1).sum();
    assertThat(tokens).isEqualTo(behindTheFirst);
    return sum / tokens;
  }
}
