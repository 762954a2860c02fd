package org.sparkao.jobs.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.datasets.sample.BundledSample;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.evaluate.run.CheckpointModels;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;

/** Executors that compute in different ways, or a model with fewer rows than its tokenizer ids. */
class TestGenerateModels {
  private static final AtomicInteger ASKED = new AtomicInteger();

  @TempDir private Path folder;

  /** Models of checkpoints. Each time that one is asked for its numerics it says other ones. */
  private static final class Changing implements ModelSource {
    private static final long serialVersionUID = 1;

    private final CheckpointModels models = new CheckpointModels();
    private final int missingRows;

    Changing(int missingRows) {
      this.missingRows = missingRows;
    }

    @Override
    public ModelFacts inspect(Checkpoint checkpoint, Storage storage) throws IOException {
      ModelFacts facts = models.inspect(checkpoint, storage);
      return new ModelFacts(
          facts.architecture(),
          facts.vocabulary() - missingRows,
          facts.context(),
          facts.weightBytes());
    }

    @Override
    public Optional<String> cpuOnly() {
      return Optional.empty();
    }

    @Override
    public LanguageModel open(ModelRequest request, Storage storage) throws IOException {
      LanguageModel model = models.open(request, storage);
      return (LanguageModel)
          Proxy.newProxyInstance(
              LanguageModel.class.getClassLoader(),
              new Class<?>[] {LanguageModel.class},
              (proxy, method, arguments) -> {
                if (method.getName().equals("numerics")) {
                  return "way " + ASKED.incrementAndGet();
                }
                try {
                  return method.invoke(model, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }
  }

  private void run(ModelSource models) throws Exception {
    Path model = BundledSample.copyCheckpointTo(folder.resolve("model"));
    JobRun.of(
        new GenerateJob(models),
        "checkpoint",
        model.toString(),
        "device",
        "cpu",
        "output",
        folder.resolve("out").toString(),
        "tables",
        folder.resolve("tables").toString(),
        "samples",
        "2",
        "sequence-length",
        "8");
  }

  @Test
  void samplesOfTwoWaysAreNotMixed() {
    assertThatThrownBy(() -> run(new Changing(0)))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("executors compute differently, and a run has one way: way ")
        .hasMessageEndingWith("; use executors of one kind");
    assertThat(folder.resolve("out/part-00000.parquet")).doesNotExist();
  }

  @Test
  void aTokenizerWithMoreIdsThanTheModelIsRefusedAtPlanning() {
    assertThatThrownBy(() -> run(new Changing(600)))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("rows; use the tokenizer that came with the model");
    assertThat(folder.resolve("out")).doesNotExist();
  }
}
