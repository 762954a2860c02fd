package org.sparkao.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkao.jobs.evaluate.EvaluateFixture.said;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.datasets.sample.SampleItem;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.LanguageModel.Placement;
import org.sparkao.gpu.model.cuda.CudaModelOptions.TableFormat;
import org.sparkao.jobs.cli.RemoteFiles;
import org.sparkao.jobs.evaluate.run.ModelForm;
import org.sparkao.jobs.table.EvalItemRow;
import org.sparkao.quant.QuantException;

/** From the command to the tables, with the weights of the bundled sample. */
class TestEvaluateModels {
  private static final int GENERATED = 60;

  @TempDir private Path folder;
  private EvaluateFixture fixture;

  @BeforeEach
  void writeFixture() throws Exception {
    RecordingModels.PLACEMENTS.clear();
    fixture = new EvaluateFixture(folder, new RecordingModels());
  }

  /** A task that has the model end stories as the sample's items end. */
  private String endings() throws Exception {
    List<String> lines = new ArrayList<>();
    for (SampleItem item : BundledSample.items().subList(0, GENERATED)) {
      String right = ending(item);
      lines.add("{\"c\": \"%s\", \"e\": \"%s\"}".formatted(item.context(), right));
    }
    Files.write(folder.resolve("data/ending.jsonl"), lines);
    return EvaluateFixture.writeTask(
            folder,
            "ending",
            "generation",
            "text: \"{{c}}\"\ntarget: \"{{e}}\"\ngeneration: {until: [\".\"], maxTokens: 8}\n"
                + "metrics: [exact_match]")
        .toString();
  }

  private static String ending(SampleItem item) {
    return item.endings().get(item.label()).replace(".", "");
  }

  @Test
  void rowsAreTheSameForAnyPartitionsAndBudgets() throws Exception {
    String tasks = fixture.tasks() + "," + endings();
    fixture.run("t", "tasks", tasks, "run-id", "r", "max-length", "128", "partitions", "1");
    List<EvalItemRow> rows = fixture.items("t", "r");
    List<Object> expected = said(rows);
    assertThat(expected).hasSize(40 + 40 + 6 + GENERATED);
    assertThat(rows)
        .allSatisfy(row -> assertThat(row.key().numerics()).startsWith("vector operators "));
    for (String partitions : List.of("1", "2", "7")) {
      for (String budget : List.of("256", "8192")) {
        String tables = "tables-" + partitions + "-" + budget;
        fixture.run(
            tables,
            "tasks",
            tasks,
            "run-id",
            "r",
            "max-length",
            "128",
            "partitions",
            partitions,
            "batch-tokens",
            budget);
        assertThat(said(fixture.items(tables, "r"))).isEqualTo(expected);
      }
    }
  }

  @Test
  void aStreamedModelSaysTheSame() throws Exception {
    String tasks = fixture.tasks() + "," + endings();
    fixture.run("resident", "tasks", tasks, "run-id", "r", "batch-tokens", "256");
    assertThat(RecordingModels.PLACEMENTS).containsOnly(Placement.RESIDENT);
    RecordingModels.PLACEMENTS.clear();
    fixture.run(
        "streamed", "tasks", tasks, "run-id", "r", "batch-tokens", "256", "memory", "4000000");
    assertThat(RecordingModels.PLACEMENTS).containsOnly(Placement.STREAMED);
    assertThat(said(fixture.items("streamed", "r")))
        .isEqualTo(said(fixture.items("resident", "r")));
  }

  /** Coded caches are other numbers, under other keys, and almost as good. */
  @Test
  void theCacheIsWhatIsAskedFor() throws Exception {
    String tasks = endings();
    for (String type : List.of("bf16", "int8", "fp8")) {
      fixture.run("t", "tasks", tasks, "run-id", type, "max-length", "256", "kv-cache", type);
      assertThat(fixture.items("t", type))
          .allSatisfy(
              row -> {
                assertThat(row.key().numerics())
                    .endsWith("KV cache " + type.toUpperCase(Locale.ROOT));
                assertThat(row.origin().run()).isEqualTo(type);
              });
      assertThat(fixture.results("t", type).get(0).value()).isGreaterThan(0.9);
    }
  }

  /** At planning: a dry run says so too. */
  @Test
  void formsThatADeviceHasNotAreRefused() {
    assertThatThrownBy(() -> fixture.run("t", "head", "int8", "dry-run", "true"))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "--head int8: only in bf16 on a GPU; leave it out, or give --device cuda --arithmetic"
                + " bf16");
    ModelForm cache =
        new ModelForm(Arithmetic.BF16, KvCache.Type.FP32, TableFormat.INT8, TableFormat.AS_STORED);
    assertThatThrownBy(() -> cache.requireOn(DeviceInfo.Kind.CUDA))
        .hasMessage("--kv-cache fp32: GPUs have bf16, int8 and fp8");
  }

  /** Checkpoint, data and results on a file system that is not local. */
  @Test
  void everythingMayBeRemote() throws Exception {
    Path parquet = Path.of(getClass().getResource("/parquet-data").toURI());
    String tasks = fixture.tasks() + "," + endings() + ",arc_challenge,mmlu";
    Path data = folder.resolve("data");
    for (String name :
        List.of(
            "arc/ARC-Challenge/test", "arc/ARC-Challenge/train", "mmlu/all/test", "mmlu/all/dev")) {
      String file = name + "-00000-of-00001.parquet";
      Files.createDirectories(data.resolve(file).getParent());
      Files.copy(parquet.resolve(file), data.resolve(file));
    }
    String[] local = {"tasks", tasks, "run-id", "r", "num-fewshot", "1", "max-length", "256"};
    fixture.run("local", local);
    List<String> remote = new ArrayList<>(List.of(local));
    remote.addAll(List.of("checkpoint", "remote:" + folder.resolve("model")));
    remote.addAll(List.of("data", "remote:" + data));
    remote.addAll(List.of("output", "remote:" + folder.resolve("output")));
    for (String setting : RemoteFiles.settings(Files.createDirectories(folder.resolve("faults")))) {
      remote.addAll(List.of("conf", setting));
    }
    fixture.run("remote", remote.toArray(String[]::new));
    assertThat(said(fixture.items("remote", "r"))).isEqualTo(said(fixture.items("local", "r")));
    assertThat(folder.resolve("output")).isNotEmptyFile();

    Files.writeString(data.resolve("word.jsonl"), "{\n");
    assertThatThrownBy(() -> fixture.run("remote", remote.toArray(String[]::new)))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith("remote:" + data + "/word.jsonl, line 1: ");
    Files.delete(data.resolve("word.jsonl"));
    assertThatThrownBy(() -> fixture.run("remote", remote.toArray(String[]::new)))
        .hasMessageContaining("remote:" + data)
        .hasMessageContaining("word.jsonl");
  }

  /** It knows 99.9 % of the endings among four; here it says them among all words. */
  @Test
  void textsAreGenerated() throws Exception {
    fixture.run("t", "tasks", endings(), "run-id", "r", "max-length", "256");
    List<EvalItemRow> rows = fixture.items("t", "r");
    assertThat(rows).hasSize(GENERATED);
    assertThat(fixture.results("t", "r")).hasSize(1);
    for (EvalItemRow row : rows) {
      SampleItem item = BundledSample.items().get((int) row.item().index());
      String text = row.outcome().generated().orElseThrow();
      assertThat(row.scores().correct()).hasValue(text.equals(ending(item)) ? 1 : 0);
    }
    assertThat(fixture.results("t", "r").get(0).value()).isGreaterThan(0.95);
  }
}
