package org.sparkao.gpu.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.gpu.fake.ActivationFake;
import org.sparkao.gpu.fake.WeightFake;
import org.sparkao.gpu.model.LinearWeight;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.gpu.tensor.Tensor;

/**
 * Linear layers that read the same x, as one: their weights stand one above the other in W [N, K].
 * Where layers are fake-quantized, products are made with the fake weight and the fake x; in fp8,
 * with codes of the weight, fake or not, and of x.
 */
final class TrainableLinear {
  private static final String WEIGHT = ".weight";
  private static final String BIAS = ".bias";

  private final TrainingOperators operators;
  private final List<Part> parts = new ArrayList<>();
  private final Weight weight;
  private final Optional<Weight> bias;
  private final Optional<ActivationFake> activation;
  private final LinearMemory memory;

  /** A layer: rows {@code begin} to {@code end} - 1 of W. */
  private record Part(String name, int begin, int end, Optional<WeightFake> fake) {
    /** Its rows, where they are trained. */
    Optional<Parameter> of(Weight all, String tensor, WeightLoader loader) {
      return all.gradient()
          .filter(gradient -> loader.trains(tensor))
          .map(
              gradient ->
                  new Parameter(tensor, all.value().slice(begin, end), gradient.slice(begin, end)));
    }
  }

  private TrainableLinear(
      TrainingOperators operators,
      Weight weight,
      Optional<Weight> bias,
      Optional<ActivationFake> activation,
      LinearMemory memory) {
    this.operators = operators;
    this.weight = weight;
    this.bias = bias;
    this.activation = activation;
    this.memory = memory;
  }

  /** Reads weights; everything is closed with the loader. */
  static TrainableLinear load(WeightLoader loader, List<LinearWeight> layers, LinearMemory memory) {
    int n = layers.stream().mapToInt(LinearWeight::n).sum();
    int k = layers.get(0).k();
    Tensor value = loader.take(n, k);
    List<Part> parts = new ArrayList<>();
    int row = 0;
    for (LinearWeight layer : layers) {
      Tensor own = value.slice(row, row + layer.n());
      WeightLoader.copy(layer, own);
      Optional<WeightFake> fake = loader.setup().fakes().weight(layer.name(), own);
      parts.add(new Part(layer.name(), row, row + layer.n(), fake.map(loader::keep)));
      row += layer.n();
    }
    boolean trained = parts.stream().anyMatch(part -> needsGradient(loader, part));
    String first = layers.get(0).name();
    Weight weight =
        new Weight(first, value, trained ? Optional.of(loader.take(n, k)) : Optional.empty());
    Optional<ActivationFake> activation =
        loader.setup().fakes().activation(first, k).map(loader::keep);
    if (activation.isPresent() && memory.multipliesFloat8()) {
      throw TrainErrors.inputsQuantizedTwice(first);
    }
    TrainableLinear linear =
        new TrainableLinear(
            loader.operators(), weight, bias(loader, layers, n), activation, memory);
    linear.parts.addAll(parts);
    memory.reserve(loader, value, linear.quantizesWeights(), activation.isPresent());
    return linear;
  }

  /** A head whose weight is the embedding's table. */
  static TrainableLinear tied(TrainingOperators operators, Weight table) {
    return new TrainableLinear(
        operators, table, Optional.empty(), Optional.empty(), LinearMemory.ofHead());
  }

  /** K. */
  int inputs() {
    return weight.value().columns();
  }

  private static boolean needsGradient(WeightLoader loader, Part part) {
    boolean learned = part.fake().map(fake -> !fake.parameters().isEmpty()).orElse(false);
    return loader.trains(part.name() + WEIGHT) || learned && loader.setup().hasGradients();
  }

  /** Of all layers, [N, 1]: either each has one or none. */
  private static Optional<Weight> bias(WeightLoader loader, List<LinearWeight> layers, int n) {
    if (layers.get(0).bias().isEmpty()) {
      return Optional.empty();
    }
    Tensor value = loader.take(n, 1);
    int row = 0;
    for (LinearWeight layer : layers) {
      Tensor own = value.slice(row, row + layer.n());
      own.write(WeightLoader.floats(layer.bias().orElseThrow()), 0);
      row += layer.n();
    }
    boolean trained = layers.stream().anyMatch(layer -> loader.trains(layer.name() + BIAS));
    Optional<Tensor> gradient = trained ? Optional.of(loader.take(n, 1)) : Optional.empty();
    return Optional.of(new Weight(layers.get(0).name() + BIAS, value, gradient));
  }

  private boolean quantizesWeights() {
    return parts.stream().anyMatch(part -> part.fake().isPresent());
  }

  /** Computes the fake weight and its codes; before passes, after every change of the weight. */
  void prepare() {
    if (quantizesWeights()) {
      prepareFakes();
    }
    memory.float8().ifPresent(float8 -> float8.prepare(used()));
  }

  private void prepareFakes() {
    for (Part part : parts) {
      Tensor from = weight.value().slice(part.begin(), part.end());
      Tensor to = memory.fakeWeight().slice(part.begin(), part.end());
      if (part.fake().isPresent()) {
        part.fake().get().forward(from, to);
      } else {
        operators.copy(from, to);
      }
    }
  }

  private Tensor used() {
    return quantizesWeights() ? memory.fakeWeight() : weight.value();
  }

  /** y [rows, N] of x [rows, K]. */
  void forward(Tensor x, Tensor y) {
    prepareInput(x);
    Optional<Tensor> offsets = bias.map(Weight::value);
    if (memory.float8().isPresent()) {
      memory.float8().get().forward(offsets, y);
    } else {
      operators.product(usedInput(x), used(), offsets, y);
    }
  }

  private Tensor usedInput(Tensor x) {
    return activation.isPresent() ? memory.fakeInput(x.rows()) : x;
  }

  /** Computes of x what {@link #backward} reads, as {@link #forward} does. */
  void prepareInput(Tensor x) {
    activation.ifPresent(fake -> fake.forward(x, memory.fakeInput(x.rows())));
    memory.float8().ifPresent(float8 -> float8.prepareInput(x));
  }

  /**
   * Adds the gradients of weight, bias and learned scales of x; those of weights are of the fake
   * weights until {@link #finishGradients}.
   *
   * @param dy gradient of y
   * @param x as the last {@link #forward} or {@link #prepareInput} read it
   * @param dx gradient of x, overwritten
   */
  void backward(Tensor dy, Tensor x, Tensor dx) {
    bias.flatMap(Weight::gradient).ifPresent(gradient -> operators.biasGradient(dy, gradient));
    if (memory.float8().isPresent()) {
      memory.float8().get().backward(dy, weight.gradient(), dx);
      return;
    }
    weight.gradient().ifPresent(gradient -> operators.weightGradient(dy, usedInput(x), gradient));
    operators.inputGradient(dy, used(), dx);
    activation.ifPresent(fake -> fake.backward(x, dx));
  }

  /** Makes gradients of weights of those of fake weights, once a step. */
  void finishGradients() {
    for (Part part : parts) {
      if (part.fake().isPresent() && weight.gradient().isPresent()) {
        part.fake()
            .get()
            .backward(
                weight.value().slice(part.begin(), part.end()),
                weight.gradient().get().slice(part.begin(), part.end()));
      }
    }
  }

  /** All gradients that a step begins at zero. */
  List<Tensor> gradients() {
    List<Tensor> all = new ArrayList<>();
    weight.gradient().ifPresent(all::add);
    bias.flatMap(Weight::gradient).ifPresent(all::add);
    learned().forEach(parameter -> all.add(parameter.gradient()));
    return all;
  }

  private List<Parameter> learned() {
    List<Parameter> all = new ArrayList<>();
    parts.forEach(part -> part.fake().ifPresent(fake -> all.addAll(fake.parameters())));
    activation.ifPresent(fake -> all.addAll(fake.parameters()));
    return all;
  }

  /** What is trained, a layer at a time. */
  List<Parameter> parameters(WeightLoader loader) {
    List<Parameter> all = new ArrayList<>();
    for (Part part : parts) {
      part.of(weight, part.name() + WEIGHT, loader).ifPresent(all::add);
      bias.flatMap(b -> part.of(b, part.name() + BIAS, loader)).ifPresent(all::add);
    }
    if (loader.setup().hasGradients()) {
      all.addAll(learned());
    }
    return all;
  }
}
