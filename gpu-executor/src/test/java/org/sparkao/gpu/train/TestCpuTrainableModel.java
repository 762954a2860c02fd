package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.model.ModelConfig.Trait;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;

class TestCpuTrainableModel extends AbstractTestTrainableModel {
  @Override
  TrainingOperators open() {
    return new CpuTrainingOperators(CpuDevice.open(), 2);
  }

  @Override
  double tolerance() {
    return 2e-5;
  }

  @Override
  int step() {
    return 6;
  }

  @Test
  void threadsDoNotChangeBits() {
    List<float[]> one = gradientsWith(1);
    List<float[]> three = gradientsWith(3);
    for (int i = 0; i < one.size(); i++) {
      assertThat(three.get(i)).isEqualTo(one.get(i));
    }
  }

  private static List<float[]> gradientsWith(int threads) {
    RandomModel source = new RandomModel(Set.of(Trait.HEAD_NORMS, Trait.QKV_BIAS), 18, 7);
    Random random = new Random(8);
    TokenBatch batch =
        TokenBatch.of(List.of(random.ints(61, 0, 19).toArray(), random.ints(50, 0, 19).toArray()));
    try (CpuDevice device = CpuDevice.open();
        TrainingOperators operators = new CpuTrainingOperators(device, threads);
        TrainableModel model =
            TrainableModel.load(
                operators, source.config(), source, ModelSetup.full(111, 64).withHeadRows(40))) {
      model.accumulate(batch, new NextToken(operators), 1);
      return gradients(model);
    }
  }
}
