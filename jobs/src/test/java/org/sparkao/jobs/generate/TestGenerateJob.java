package org.sparkao.jobs.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.datasets.tokenizer.Tokenizers;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.ModelSettings;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.jobs.describe.DescribeJob;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.spark.SparkParquetRows;
import org.sparkao.jobs.storage.FakeObjectStore;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.RunRow;
import org.sparkao.jobs.table.TableRow;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.LocalFiles;

/** Samples of the bundled model, from the command to the Parquet files. */
class TestGenerateJob {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String STORE = "spark.hadoop.fs.s3a.impl";
  private static final int PROMPT = 5;
  private static final int LENGTH = 24;

  @TempDir private static Path shared;
  private static SparkSession spark;
  private static Path model;
  private static Path texts;

  @TempDir private Path folder;

  @BeforeAll
  static void start() throws IOException {
    model = BundledSample.copyCheckpointTo(shared.resolve("model"));
    texts = shared.resolve("texts.txt");
    List<String> lines = new ArrayList<>(List.of("", "  é", "Too"));
    BundledSample.heldOutText().subList(0, 12).forEach(text -> lines.add(" " + text));
    Files.write(texts, lines);
    spark =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config(STORE, FakeObjectStore.class.getName())
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .getOrCreate();
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  @BeforeEach
  void nothingIsThere() {
    assertThat(folder).isEmptyDirectory();
  }

  private JobRun run(String output, String... options) throws Exception {
    List<String> all = new ArrayList<>(List.of("checkpoint", model.toString(), "device", "cpu"));
    all.addAll(
        List.of("output", output.contains(":") ? output : folder.resolve(output).toString()));
    all.addAll(List.of("tables", folder.resolve("tables").toString()));
    all.addAll(List.of("samples", "20", "sequence-length", Integer.toString(LENGTH)));
    all.addAll(Arrays.asList(options));
    return JobRun.of(new GenerateJob(), all.toArray(String[]::new));
  }

  private JobRun fromTexts(String output, String... options) throws Exception {
    List<String> all =
        new ArrayList<>(
            List.of("prompts", texts.toString(), "prompt-tokens", Integer.toString(PROMPT)));
    all.addAll(List.of("seed", "7", "greedy-tokens", "2", "top-p", "0.95"));
    all.addAll(Arrays.asList(options));
    return run(output, all.toArray(String[]::new));
  }

  private List<JsonNode> rows(String output) throws IOException {
    List<JsonNode> rows = new ArrayList<>();
    for (Path part : parts(output)) {
      for (String line : new SparkParquetRows(spark).json(part)) {
        rows.add(JSON.readTree(line));
      }
    }
    return rows;
  }

  private List<Path> parts(String output) throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve(output))) {
      return files.filter(file -> file.toString().endsWith(".parquet")).sorted().toList();
    }
  }

  private static int[] ids(JsonNode row) {
    return IntStream.range(0, row.get("token_ids").size())
        .map(i -> row.get("token_ids").get(i).asInt())
        .toArray();
  }

  @Test
  void samplesAreTheSameForAnyPartitionsAndBatches() throws Exception {
    fromTexts("one", "partitions", "1", "run-id", "r");
    List<JsonNode> expected = rows("one");
    assertThat(expected).hasSize(20);
    assertThat(expected).extracting(row -> row.get("sample").asInt()).isSorted();
    for (String partitions : List.of("2", "7")) {
      String output = "of" + partitions;
      fromTexts(output, "partitions", partitions, "batch", "3");
      assertThat(parts(output)).hasSize(Integer.parseInt(partitions));
      assertThat(rows(output)).isEqualTo(expected);
    }
    fromTexts("fewer", "samples", "6");
    assertThat(rows("fewer")).isEqualTo(expected.subList(0, 6));
    fromTexts("other", "seed", "8");
    assertThat(rows("other").stream().map(TestGenerateJob::ids).toList())
        .usingRecursiveComparison()
        .isNotEqualTo(expected.stream().map(TestGenerateJob::ids).toList());

    DeltaStore store =
        new DeltaStore(Storage.ofAssignments(List.of()), folder.resolve("tables").toString());
    TableRow run = store.read(RunRow.TABLE, "r").get(0);
    assertThat(run.text("job")).isEqualTo("generate");
    assertThat(run.text("status")).isEqualTo("done");
    assertThat(run.text("scheme")).startsWith("vector operators ");
    assertThat(run.number("output_bytes")).isEqualTo(Files.size(parts("one").get(0)));
    JobRun described =
        JobRun.of(
            new DescribeJob(),
            "run",
            folder.resolve("one").toString(),
            "tables",
            folder.resolve("tables").toString(),
            "html",
            folder.resolve("r.html").toString());
    assertThat(described.out())
        .contains("Samples", "20")
        .contains("temperature 1, top-k 0, top-p 0.95, 2 greedy tokens");
    assertThat(Files.readString(folder.resolve("r.html"))).contains("of at most 24");
  }

  @Test
  void promptsAreTheFirstTokensOfTextsAtTheirOffsets() throws Exception {
    fromTexts("out");
    byte[] bytes = Files.readAllBytes(texts);
    Set<Long> offsets = new HashSet<>();
    try (Tokenizer tokenizer = Tokenizers.open(model)) {
      for (JsonNode row : rows("out")) {
        assertThat(row.get("prompt_source").asText()).isEqualTo(texts.toString());
        long offset = row.get("prompt_offset").asLong();
        String rest =
            new String(bytes, (int) offset, bytes.length - (int) offset, StandardCharsets.UTF_8);
        int[] first = tokenizer.encodeWithSpecialTokens(rest.lines().findFirst().orElseThrow());
        int prompt = row.get("prompt_tokens").asInt();
        assertThat(Arrays.copyOf(ids(row), prompt)).isEqualTo(Arrays.copyOf(first, prompt));
        assertThat(row.get("text").asText()).isEqualTo(tokenizer.decode(ids(row)));
        offsets.add(offset);
      }
    }
    // Twelve texts are long enough; each is used before any is used again.
    assertThat(offsets).hasSize(12);
  }

  @Test
  void withoutTemperatureSamplesAreGreedyContinuations() throws Exception {
    fromTexts("out", "temperature", "0", "ignore-end", "true", "samples", "5");
    CpuDevice device = CpuDevice.open();
    try (ModelOperators operators = new CpuModelOperators(device, 1);
        LanguageModel greedy =
            LanguageModels.open(
                Checkpoint.open(LocalFiles.of(model)),
                LocalFiles.of(model),
                operators,
                ModelSettings.ofTokens(64))) {
      for (JsonNode row : rows("out")) {
        int prompt = row.get("prompt_tokens").asInt();
        int[] ids = ids(row);
        assertThat(ids).hasSize(LENGTH);
        assertThat(
                greedy.generate(
                    List.of(Arrays.copyOf(ids, prompt)),
                    new GenerationLimits(
                        LENGTH - prompt, new int[0], LanguageModel.StopRule.NEVER)))
            .usingRecursiveComparison()
            .isEqualTo(List.of(Arrays.copyOfRange(ids, prompt, LENGTH)));
      }
    }
  }

  @Test
  void withoutPromptsSamplesBeginWithRandomTokens() throws Exception {
    run("out", "samples", "40", "sequence-length", "4", "min-length", "4");
    Set<Integer> first = new HashSet<>();
    try (Tokenizer tokenizer = Tokenizers.open(model)) {
      for (JsonNode row : rows("out")) {
        int prompt = row.get("prompt_tokens").asInt();
        int[] ids = ids(row);
        assertThat(ids).hasSize(4);
        assertThat(row.get("prompt_source").isNull()).isTrue();
        assertThat(tokenizer.specialTokens().all()).doesNotContain(ids[prompt - 1]);
        first.add(ids[prompt - 1]);
      }
    }
    // 40 draws of some 1,500 tokens: half a pair is expected.
    assertThat(first.size()).isGreaterThan(34);
  }

  @Test
  void aRunGoesOnFromItsFiles() throws Exception {
    fromTexts("out", "partitions", "4", "run-id", "r");
    List<JsonNode> whole = rows("out");
    Map<String, String> files = contents("out");
    Path lost = parts("out").get(2);
    long kept = Files.getLastModifiedTime(parts("out").get(0)).toMillis();
    Files.delete(lost);
    Files.createDirectories(folder.resolve("out/_sparkao/killed"));
    fromTexts("out", "run-id", "r");
    assertThat(rows("out")).isEqualTo(whole);
    assertThat(contents("out").keySet()).isEqualTo(files.keySet());
    assertThat(Files.getLastModifiedTime(parts("out").get(0)).toMillis()).isEqualTo(kept);
    assertThat(whole.stream().map(row -> row.get("sample").asInt()).toList())
        .isEqualTo(IntStream.range(0, 20).boxed().toList());
    assertThatThrownBy(() -> fromTexts("out", "seed", "8"))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("holds samples of run r");
    assertThat(rows("out")).isEqualTo(whole);
  }

  @Test
  void objectStoresAreSentEachFileUnderItsName() throws Exception {
    fromTexts("here", "partitions", "2", "run-id", "here");
    fromTexts(
        "s3a://bucket" + folder + "/there",
        "partitions",
        "2",
        "run-id",
        "there",
        "conf",
        STORE + "=" + FakeObjectStore.class.getName());
    assertThat(rows("there")).isEqualTo(rows("here"));
    assertThat(folder.resolve("there"))
        .isDirectoryNotContaining(file -> file.endsWith("_sparkao"))
        .isDirectoryContaining(file -> file.endsWith("_sparkao.json"));
  }

  private Map<String, String> contents(String output) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder.resolve(output))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(
            folder.relativize(file).toString(),
            new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }

  @Test
  void whatCannotBeSampledIsRefusedBeforeOutput() throws Exception {
    Path lines = Files.writeString(shared.resolve("bad.jsonl"), "{\"text\": \"a\"}\n{\"t\": 1}\n");
    Path blank = Files.writeString(shared.resolve("blank.txt"), "\n \n");
    Path noTokenizer = BundledSample.copyCheckpointTo(shared.resolve("no-tokenizer"));
    Files.delete(noTokenizer.resolve("tokenizer.json"));
    refused("the context of", "sequence-length", "100000");
    refused("nothing would follow", "sequence-length", "5", "prompts", texts.toString());
    refused("--min-length 30", "min-length", "30");
    refused("holds no text", "prompts", blank.toString());
    refused("none of its", "prompts", texts.toString(), "prompt-tokens", "200");
    refused("line 2 has no text in text", "prompts", lines.toString());
    refused("no such file", "prompts", shared.resolve("absent.txt").toString());
    refused("tokenizer", "checkpoint", noTokenizer.toString());
    refused("use 0, or 0.001 to 1000", "temperature", "-1");
    refused("use more than 0, at most 1", "top-p", "0");
    refused("even block by block", "memory", "100000");
    Files.createDirectories(folder.resolve("out"));
    Files.writeString(folder.resolve("out/mine.txt"), "x");
    assertThatThrownBy(() -> run("out")).hasMessageContaining("is not empty");
  }

  private void refused(String message, String... options) {
    assertThatThrownBy(() -> run("out", options))
        .as(String.join(" ", options))
        .hasMessageContaining(message);
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void promptsComeFromColumnsToo() throws Exception {
    List<String> lines =
        BundledSample.heldOutText().subList(0, 4).stream()
            .map(text -> "{\"story\": \"%s\"}".formatted(text.replace("\"", "")))
            .toList();
    Path json = Files.write(folder.resolve("texts.jsonl"), lines);
    spark
        .read()
        .json(json.toString())
        .coalesce(1)
        .write()
        .parquet(folder.resolve("written").toString());
    try (Stream<Path> files = Files.list(folder.resolve("written"))) {
      Path part = files.filter(file -> file.toString().endsWith(".parquet")).findFirst().get();
      Files.copy(part, folder.resolve("texts.parquet"));
    }
    run("json", "prompts", json.toString(), "prompt-column", "story", "samples", "4");
    String parquet = folder.resolve("texts.parquet").toString();
    run("parquet", "prompts", parquet, "prompt-column", "story", "samples", "4");
    List<JsonNode> ofJson = rows("json");
    List<JsonNode> ofParquet = rows("parquet");
    for (int i = 0; i < 4; i++) {
      assertThat(ids(ofParquet.get(i))).isEqualTo(ids(ofJson.get(i)));
      int row = ofParquet.get(i).get("prompt_offset").asInt();
      int begin =
          lines.subList(0, row).stream()
              .mapToInt(line -> line.getBytes(StandardCharsets.UTF_8).length + 1)
              .sum();
      assertThat(ofJson.get(i).get("prompt_offset").asInt()).isEqualTo(begin);
    }
  }
}
