package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.fake.ActivationFake;
import org.sparkao.gpu.fake.Fakes;
import org.sparkao.gpu.fake.WeightFake;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.ModelConfig.Trait;
import org.sparkao.gpu.optimizer.StateFormat;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.gpu.train.cpu.CpuTrainingOperators;
import org.sparkao.quant.QuantException;

/** Which operands layers hand to fp8 products, and when. */
class TestFloat8TrainableModel {
  private static final Set<Trait> TRAITS = Set.of(Trait.QKV_BIAS, Trait.OUTPUT_BIAS);
  private static final int STEP = 16;

  private final CpuDevice device = CpuDevice.open();
  private final CpuTrainingOperators plain = new CpuTrainingOperators(device, 2);

  @AfterEach
  void end() {
    plain.close();
    device.close();
  }

  /** The processor's operators with products of a test. */
  private TrainingOperators with(Float8Products products) {
    return (TrainingOperators)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {TrainingOperators.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("float8")) {
                return products;
              }
              try {
                return method.invoke(plain, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  /** Of weights alone. */
  private record WeightFakes(ScalingFakes all) implements Fakes {
    @Override
    public Optional<WeightFake> weight(String module, Tensor weight) {
      return all.weight(module, weight);
    }

    @Override
    public boolean learnsScales(String module) {
      return all.learnsScales(module);
    }

    @Override
    public Optional<ActivationFake> activation(String module, int columns) {
      return Optional.empty();
    }
  }

  private ModelSetup setup() {
    return ModelSetup.full(16, 16).withFakes(new WeightFakes(new ScalingFakes(plain)));
  }

  private static List<float[]> gradients(TrainingOperators operators, ModelSetup setup) {
    RandomModel source = new RandomModel(TRAITS, STEP, 9);
    TokenBatch batch =
        TokenBatch.of(List.of(new int[] {3, 1, 4, 1, 5, 9}, new int[] {18, 0, 3, 5, 7}));
    try (TrainableModel model = TrainableModel.load(operators, source.config(), source, setup)) {
      model.loss(TokenBatch.of(List.of(new int[] {7, 7})), new NextToken(operators));
      model.accumulate(batch, new NextToken(operators), 1);
      model.finishGradients();
      return AbstractTestTrainableModel.gradients(model);
    }
  }

  /**
   * Without rounding, gradients are those of ordinary products, which are tested against
   * differences, but for last bits of fp32, which softmax of large scores makes some 1e-3: every
   * layer of a block multiplies its own fake weight and input, also where blocks keep what they
   * compute.
   */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void operandsAreThoseOfOrdinaryProducts(boolean kept) {
    HostFloat8Products products = HostFloat8Products.unrounded();
    ModelSetup setup = setup().withFloat8(Float8.TENSORWISE);
    List<float[]> found = gradients(with(products), kept ? setup.keepingActivations() : setup);
    List<float[]> expected = gradients(plain, setup());
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.size(); i++) {
      assertThat(relativeError(found.get(i), expected.get(i))).as("tensor %d", i).isLessThan(0.01);
    }
    // Two forward passes of 2 blocks, and 3 layers of each again before its backward pass.
    assertThat(products.products()).isEqualTo(2 * 2 * 4 + (kept ? 0 : 2 * 3));
    assertThat(products.gradients()).isEqualTo(2 * 4);
  }

  static double relativeError(float[] found, float[] expected) {
    double[] difference = new double[found.length];
    for (int i = 0; i < found.length; i++) {
      difference[i] = (double) found[i] - expected[i];
    }
    double[] norm = InDoubles.of(expected);
    return Math.sqrt(InDoubles.dot(difference, difference) / InDoubles.dot(norm, norm));
  }

  @Test
  void blocksByThemselvesMultiplyFp8Too() {
    HostFloat8Products products = HostFloat8Products.of(Float8.ROWWISE);
    RandomModel source = new RandomModel(TRAITS, STEP, 9);
    TrainingOperators operators = with(products);
    try (SingleBlock block =
            SingleBlock.load(
                operators, source.config(), source, 1, setup().withFloat8(Float8.ROWWISE));
        Tensor x = operators.allocateStates(5, 2 * STEP);
        Tensor wanted = operators.allocateStates(5, 2 * STEP)) {
      x.write(new float[5 * 2 * STEP], 0);
      block.accumulate(x, wanted, TokenBatch.of(List.of(new int[] {1, 2, 3, 4, 5})), 1);
    }
    assertThat(products.products()).isEqualTo(4);
    assertThat(products.gradients()).isEqualTo(4);
  }

  @Test
  void refusals() {
    TrainingOperators operators = with(HostFloat8Products.unrounded());
    ModelSetup setup = ModelSetup.full(16, 16).withFloat8(Float8.ROWWISE);
    RandomModel source = new RandomModel(TRAITS, STEP, 9);
    assertThatThrownBy(() -> gradients(operators, setup.withFakes(new ScalingFakes(plain))))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "model.layers.0.self_attn.q_proj: its inputs are fake-quantized, and float8 would round"
                + " what its scheme makes of them once more; use a scheme of weights alone such as"
                + " W4A16, or train without float8");
    RandomModel odd = new RandomModel(TRAITS, 6, 9);
    assertThatThrownBy(
            () -> TrainingMemory.of(odd.config(), odd, setup, StateFormat.FP32, Arithmetic.BF16))
        .isInstanceOf(QuantException.class)
        .hasMessage(
            "config.json: hidden_size is 12, and float8 products need multiples of 16; train"
                + " without float8");
    assertThatThrownBy(() -> TrainableModel.load(plain, source.config(), source, setup))
        .isInstanceOf(GpuException.class)
        .hasMessageContaining("training with float8 products is for sm_90 (H100, H200)");
  }

  /** Tiles of 128 x 128 bytes, twice, and two numbers for every row and column of them. */
  @Test
  void codesAreCounted() {
    RandomModel source = new RandomModel(TRAITS, STEP, 9);
    List<Long> blocks = new ArrayList<>();
    for (Float8 float8 : List.of(Float8.NONE, Float8.TENSORWISE)) {
      for (ModelSetup setup : List.of(setup(), setup().keepingActivations())) {
        blocks.add(
            TrainingMemory.of(
                    source.config(),
                    source,
                    setup.withFloat8(float8),
                    StateFormat.FP32,
                    Arithmetic.BF16)
                .block());
      }
    }
    // K 32 and 64 and 48, N 128, 32, 96, 32, 16 tokens: nothing is larger than a tile.
    long one = 2 * (128 * 128 + 4 * (128 + 128));
    assertThat(blocks.get(2) - blocks.get(0)).isEqualTo((4 + 4 + 1) * one);
    assertThat(blocks.get(3) - blocks.get(1)).isEqualTo((2 * 4 + 4 + 1) * one);
    assertThat(Float8Matrix.bytes(129, 257)).isEqualTo(2 * (256 * 384 + 4 * (256 + 384)));
  }
}
