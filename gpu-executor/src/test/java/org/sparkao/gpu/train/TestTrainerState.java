package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ModelConfig.Trait;
import org.sparkao.gpu.optimizer.AdamWSettings;
import org.sparkao.gpu.optimizer.CosineSchedule;
import org.sparkao.gpu.optimizer.GradientClipping;
import org.sparkao.gpu.optimizer.HostAdamW;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.FileSource;

/** What several workers need of a trainer: parts of states, and shares of the items. */
class TestTrainerState {
  @TempDir private Path folder;
  private final CpuDevice device = CpuDevice.open();
  private final CpuTrainingOperators operators = new CpuTrainingOperators(device, 2);

  @AfterEach
  void close() {
    operators.close();
    device.close();
  }

  private TrainableModel model() {
    RandomModel source = new RandomModel(Set.of(Trait.TIED_EMBEDDINGS), 6, 1);
    return TrainableModel.load(operators, source.config(), source, ModelSetup.full(48, 12));
  }

  /** On ten sequences of six tokens. */
  private Trainer trainer(TrainableModel model, int items, long seed) {
    List<int[]> sequences = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      sequences.add(new Random(i).ints(6, 0, 19).toArray());
    }
    TrainerSettings settings =
        new TrainerSettings(
            new AdamWSettings(0.9, 0.99, 1e-8, 0.01),
            TrainerSettings.Decay.START,
            StateFormat.FP32,
            new CosineSchedule(0.01, 2, 12, 0.1),
            1,
            new GradientClipping(1),
            items,
            seed);
    return new Trainer(
        operators,
        new ModelTask(model, new NextToken(operators), sequences),
        new HostAdamW(operators.workers()),
        settings);
  }

  private static List<float[]> values(List<Parameter> parameters) {
    return parameters.stream().map(parameter -> parameter.value().toFloats()).toList();
  }

  private Path values(Trainer trainer, int part, int parts) throws IOException {
    Path file = folder.resolve("values-" + part + "-of-" + parts);
    Files.deleteIfExists(file);
    try (FileSink sink = FileSink.create(file)) {
      trainer.writeValues(sink, part, parts);
    }
    return file;
  }

  private Path moments(Trainer trainer, String name) throws IOException {
    try (FileSink sink = FileSink.create(folder.resolve(name))) {
      trainer.writeMoments(sink);
    }
    return folder.resolve(name);
  }

  /** Values of another training beside right moments: refused before any moment is read. */
  @Test
  void refusedStatesChangeNothing() throws IOException {
    try (TrainableModel model = model();
        TrainableModel same = model();
        Trainer other = trainer(model, 4, 4);
        Trainer right = trainer(model, 4, 3);
        Trainer trainer = trainer(same, 4, 3)) {
      right.step();
      right.step();
      Path moments = moments(right, "right");
      Path values = values(other, 0, 1);
      trainer.step();
      byte[] before = Files.readAllBytes(moments(trainer, "before"));
      try (FileSource first = FileSource.open(values);
          FileSource second = FileSource.open(moments)) {
        assertThatThrownBy(() -> trainer.resume(List.of(first), second))
            .isInstanceOf(QuantException.class)
            .hasMessageContaining("seed=4");
      }
      assertThat(trainer.done()).isEqualTo(1);
      assertThat(moments(trainer, "after")).hasBinaryContent(before);
    }
  }

  /** Parts have every parameter once; read together they are the whole. */
  @Test
  void valuesAreWrittenInParts() throws IOException {
    try (TrainableModel model = model();
        TrainableModel same = model();
        Trainer trainer = trainer(model, 4, 3);
        Trainer reader = trainer(same, 4, 3)) {
      trainer.step();
      reader.step();
      same.parameters().forEach(parameter -> operators.zero(parameter.value()));
      List<ByteSource> parts = new ArrayList<>();
      for (int part = 0; part < 3; part++) {
        parts.add(FileSource.open(values(trainer, part, 3)));
      }
      reader.replaceValues(parts);
      List<float[]> expected = values(model.parameters());
      List<float[]> found = values(same.parameters());
      for (int i = 0; i < expected.size(); i++) {
        assertThat(found.get(i)).isEqualTo(expected.get(i));
      }
      assertThatThrownBy(() -> reader.replaceValues(parts.subList(0, 2)))
          .isInstanceOf(QuantException.class)
          .hasMessageContaining("missing");
      reader.step();
      assertThatThrownBy(() -> reader.replaceValues(parts)).hasMessageContaining("step 1");
      for (ByteSource part : parts) {
        part.close();
      }
    }
  }

  /** Two workers see what one sees that takes twice as much: gradients have the same mean. */
  @Test
  void sharesOfWorkersAreTheItemsOfOne() {
    List<float[]> first = gradients(4, 0, 2);
    List<float[]> second = gradients(4, 1, 2);
    List<float[]> one = gradients(8, 0, 1);
    for (int i = 0; i < one.size(); i++) {
      for (int j = 0; j < one.get(i).length; j++) {
        double mean = ((double) first.get(i)[j] + second.get(i)[j]) / 2;
        assertThat(Math.abs(one.get(i)[j] - mean)).isLessThan(1e-6);
      }
    }
    assertThat(second.get(0)).isNotEqualTo(first.get(0));
  }

  private List<float[]> gradients(int items, int worker, int workers) {
    try (TrainableModel model = model();
        Trainer trainer = trainer(model, items, 3)) {
      trainer.step(worker, workers);
      return model.parameters().stream().map(p -> p.gradient().toFloats()).toList();
    }
  }
}
