package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.fake.ActivationFake;
import org.sparkao.gpu.fake.Fakes;
import org.sparkao.gpu.fake.WeightFake;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/** In place of quantization: everything is multiplied by a number, which is learned for weights. */
final class ScalingFakes implements Fakes {
  static final float WEIGHT = 1.5f;
  static final float ACTIVATION = 0.75f;

  private final TrainingOperators operators;
  private final List<String> activations = new ArrayList<>();
  private int open;

  ScalingFakes(TrainingOperators operators) {
    this.operators = operators;
  }

  /** Modules whose inputs were asked for. */
  List<String> activations() {
    return activations;
  }

  /** What was not closed. */
  int open() {
    return open;
  }

  @Override
  public Optional<WeightFake> weight(String module, Tensor weight) {
    if (module.endsWith("v_proj")) {
      return Optional.empty();
    }
    open++;
    return Optional.of(new ScaledWeight(module));
  }

  @Override
  public boolean learnsScales(String module) {
    return !module.endsWith("v_proj");
  }

  @Override
  public Optional<ActivationFake> activation(String module, int columns) {
    activations.add(module);
    open++;
    return Optional.of(new ScaledActivation());
  }

  private final class ScaledWeight implements WeightFake {
    private final Parameter scale;

    ScaledWeight(String module) {
      scale = new Parameter(module + ".scale", operators.allocate(1, 1), operators.allocate(1, 1));
      scale.value().write(new float[] {WEIGHT}, 0);
    }

    @Override
    public void forward(Tensor weight, Tensor fake) {
      operators.copy(weight, fake);
      operators.scale(fake, scale.value().toFloats()[0]);
    }

    @Override
    public void backward(Tensor weight, Tensor gradient) {
      float[] w = weight.toFloats();
      float[] d = gradient.toFloats();
      double sum = scale.gradient().toFloats()[0];
      for (int i = 0; i < w.length; i++) {
        sum += (double) w[i] * d[i];
      }
      scale.gradient().write(new float[] {(float) sum}, 0);
      operators.scale(gradient, scale.value().toFloats()[0]);
    }

    @Override
    public List<Parameter> parameters() {
      return List.of(scale);
    }

    @Override
    public void close() {
      open--;
      scale.value().close();
      scale.gradient().close();
    }
  }

  private final class ScaledActivation implements ActivationFake {
    @Override
    public void forward(Tensor x, Tensor fake) {
      operators.copy(x, fake);
      operators.scale(fake, ACTIVATION);
    }

    @Override
    public void backward(Tensor x, Tensor gradient) {
      operators.scale(gradient, ACTIVATION);
    }

    @Override
    public List<Parameter> parameters() {
      return List.of();
    }

    @Override
    public void close() {
      open--;
    }
  }
}
