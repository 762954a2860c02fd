package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.gpu.fake.LearnedScales;
import org.sparkao.gpu.optimizer.AdamW;
import org.sparkao.gpu.optimizer.AdamWSettings;
import org.sparkao.gpu.optimizer.AdamWState;
import org.sparkao.gpu.optimizer.AdamWStep;
import org.sparkao.gpu.optimizer.GradientClipping;
import org.sparkao.gpu.optimizer.TrainedParameter;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/** Moves all parameters of a training by their gradients, clipped together. */
final class ParameterUpdate implements AutoCloseable {
  private static final String WEIGHT = ".weight";

  private final TrainingOperators operators;
  private final AdamW adamW;
  private final List<Parameter> parameters;
  private final TrainerSettings settings;
  private final Map<String, AdamWState> states = new LinkedHashMap<>();

  /** Values that matrices had and decay to, where they do. */
  private final Map<String, Tensor> starts = new HashMap<>();

  ParameterUpdate(
      TrainingOperators operators,
      AdamW adamW,
      List<Parameter> parameters,
      TrainerSettings settings) {
    this.operators = operators;
    this.adamW = adamW;
    this.parameters = parameters;
    this.settings = settings;
    try {
      for (Parameter parameter : parameters) {
        long elements = parameter.value().elements();
        states.put(
            parameter.name(), AdamWState.zeros(operators.device(), settings.states(), elements));
        if (decaysToStart(parameter)) {
          Tensor value = parameter.value();
          Tensor start = operators.allocate(value.rows(), value.columns());
          starts.put(parameter.name(), start);
          operators.copy(value, start);
        }
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** By the names of parameters, in their order. */
  Map<String, AdamWState> states() {
    return states;
  }

  /**
   * Moves.
   *
   * @param step from 1
   * @return the norm of all gradients together, before clipping
   */
  double step(int step) {
    List<Tensor> gradients = parameters.stream().map(Parameter::gradient).toList();
    double[] sums = operators.squaredNorms(gradients);
    List<GradientClipping.Squares> squares = new ArrayList<>();
    for (int i = 0; i < sums.length; i++) {
      squares.add(new GradientClipping.Squares(parameters.get(i).name(), sums[i]));
    }
    double norm = GradientClipping.norm(squares);
    float factor = settings.clipping().factor(norm);
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      Tensor start = starts.get(parameter.name());
      if (start != null) {
        float share = (float) (rate(parameter, step) * settings.adamW().weightDecay());
        operators.scale(parameter.value(), 1 - share);
        operators.add(start, share, parameter.value());
      }
      AdamWStep how =
          new AdamWStep(settings(parameter), step, rate(parameter, step), factor, settings.seed());
      TrainedParameter moved = new TrainedParameter(parameter, i, TrainedParameter.Rounding.FP32);
      adamW.step(moved, states.get(parameter.name()), how);
    }
    return norm;
  }

  private float rate(Parameter parameter, int step) {
    float rate = settings.schedule().rate(step);
    return parameter.name().endsWith(LearnedScales.SUFFIX)
        ? (float) (rate * settings.scaleShare())
        : rate;
  }

  /** Norms, biases and learned scales do not decay; scales by group are matrices, too. */
  private AdamWSettings settings(Parameter parameter) {
    AdamWSettings all = settings.adamW();
    boolean shrinks = isMatrix(parameter) && settings.decay() == TrainerSettings.Decay.ZERO;
    return shrinks ? all : new AdamWSettings(all.beta1(), all.beta2(), all.epsilon(), 0);
  }

  private boolean decaysToStart(Parameter parameter) {
    return settings.adamW().weightDecay() > 0
        && settings.decay() == TrainerSettings.Decay.START
        && isMatrix(parameter);
  }

  private static boolean isMatrix(Parameter parameter) {
    return parameter.name().endsWith(WEIGHT)
        && parameter.value().rows() > 1
        && parameter.value().columns() > 1;
  }

  @Override
  public void close() {
    states.values().forEach(AdamWState::close);
    starts.values().forEach(Tensor::close);
  }
}
