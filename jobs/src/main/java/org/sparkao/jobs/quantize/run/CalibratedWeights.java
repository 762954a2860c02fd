package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.jobs.quantize.plan.CalibratedOptions;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.algorithm.QuantizeRequest;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.TensorQuantizer;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.calibrated.Gptq;
import org.sparkao.quant.calibrated.Gptq.GptqQuantizer;
import org.sparkao.quant.calibrated.Gptq.Prepared;
import org.sparkao.quant.calibrated.GptqReport;
import org.sparkao.quant.calibrated.SecondMoments;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.observe.TensorRange;

/**
 * Quantizers that know the inputs of their layers. Keeps what depends on inputs alone for the next
 * layer of the same input, which follows in the same unit. For one thread, which closes it.
 */
public final class CalibratedWeights implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CalibratedWeights.class);

  private final Inputs inputs;
  private final CalibratedOptions options;
  private final Gptq gptq;
  private Optional<Held> held = Optional.empty();

  /**
   * Quantizers for layers.
   *
   * @param inputs of these layers
   * @param gptq where it is done
   */
  public CalibratedWeights(Inputs inputs, CalibratedOptions options, Gptq gptq) {
    this.inputs = inputs;
    this.options = options;
    this.gptq = gptq;
  }

  /** What was seen of the inputs of layers. */
  public interface Inputs {
    /** Name of the input of a layer; equal for those that read the same. */
    String name(String module);

    /** Mean of x^2, [K]. */
    float[] meanSquare(String module) throws IOException;

    /** Mean of x x^T. */
    SecondMoments products(String module) throws IOException;

    /** Those of a finished calibration. */
    static Inputs of(Calibration calibration) {
      return new Inputs() {
        @Override
        public String name(String module) {
          return calibration.inputOf(module).orElseThrow();
        }

        @Override
        public float[] meanSquare(String module) throws IOException {
          return calibration.input(module).meanSquare();
        }

        @Override
        public SecondMoments products(String module) throws IOException {
          int k = calibration.columns(module).orElseThrow();
          return SecondMoments.of(calibration.hessian(module), k);
        }
      };
    }
  }

  /** What was made of an input. */
  private record Held(String input, Prepared prepared) {}

  /** A quantizer for one weight. */
  public TensorQuantizer quantizer(
      Quantize task, QuantizeRequest request, Optional<TensorRange> range) throws IOException {
    boolean gptqAsked = request.algorithm() == WeightAlgorithm.GPTQ;
    WeightAlgorithm search = gptqAsked ? options.search().algorithm() : request.algorithm();
    Optional<float[]> importance =
        search == WeightAlgorithm.IMATRIX
            ? Optional.of(inputs.meanSquare(task.module()))
            : Optional.empty();
    RangeChoice ranges = new RangeChoice(range, importance);
    return gptqAsked
        ? gptq.quantizer(request.with(search), ranges, prepared(task))
        : Quantizers.create(request, ranges);
  }

  private Prepared prepared(Quantize task) throws IOException {
    String input = inputs.name(task.module());
    if (held.isEmpty() || !held.get().input().equals(input)) {
      close();
      Prepared prepared = gptq.prepare(inputs.products(task.module()), options.gptq());
      held = Optional.of(new Held(input, prepared));
    }
    return held.get().prepared();
  }

  /**
   * What did not go as it was asked for; empty when all did.
   *
   * @param quantizers of the rows of a weight, after their work
   */
  public String fallback(Quantize task, List<TensorQuantizer> quantizers) {
    if (!(quantizers.get(0) instanceof GptqQuantizer)) {
      return "";
    }
    long roundedRows = 0;
    double loss = 0;
    for (TensorQuantizer quantizer : quantizers) {
      GptqQuantizer made = (GptqQuantizer) quantizer;
      roundedRows += made.rowsRoundedToNearest();
      loss += made.loss();
    }
    GptqReport report = held.orElseThrow().prepared().report();
    StringBuilder text = new StringBuilder();
    if (report.roundedToNearest()) {
      text.append("gptq: no Cholesky factor at any damping, rounded to nearest");
    } else if (report.damping() != options.damping()) {
      text.append("gptq: no Cholesky factor at damping ")
          .append(options.damping())
          .append(", raised to ")
          .append(report.damping());
    }
    if (roundedRows > 0) {
      text.append(text.length() == 0 ? "gptq: " : "; ")
          .append(roundedRows)
          .append(" rows with NaN or infinities rounded to nearest");
    }
    if (text.length() > 0) {
      LOG.warn("{}: {}", task.module(), text);
    }
    LOG.debug(
        "{}: gptq loss {}, {} of {} inputs always zero",
        task.module(),
        loss,
        report.deadColumns(),
        task.weight().columns());
    return text.toString();
  }

  @Override
  public void close() {
    held.ifPresent(one -> one.prepared().close());
    held = Optional.empty();
  }
}
