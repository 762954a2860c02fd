package org.sparkao.jobs.quantize.run;

import java.io.IOException;
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
final class CalibratedWeights implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CalibratedWeights.class);

  private final Calibration calibration;
  private final CalibratedOptions options;
  private final Gptq gptq;
  private Optional<Held> held = Optional.empty();

  CalibratedWeights(Calibration calibration, CalibratedOptions options, Gptq gptq) {
    this.calibration = calibration;
    this.options = options;
    this.gptq = gptq;
  }

  /** What was made of an input. */
  private record Held(String input, Prepared prepared) {}

  /** A quantizer for one weight. */
  TensorQuantizer quantizer(Quantize task, QuantizeRequest request, Optional<TensorRange> range)
      throws IOException {
    boolean gptqAsked = request.algorithm() == WeightAlgorithm.GPTQ;
    WeightAlgorithm search = gptqAsked ? options.search().algorithm() : request.algorithm();
    Optional<float[]> importance =
        search == WeightAlgorithm.IMATRIX
            ? Optional.of(calibration.input(task.module()).meanSquare())
            : Optional.empty();
    RangeChoice ranges = new RangeChoice(range, importance);
    return gptqAsked
        ? gptq.quantizer(request.with(search), ranges, prepared(task))
        : Quantizers.create(request, ranges);
  }

  private Prepared prepared(Quantize task) throws IOException {
    String input = calibration.inputOf(task.module()).orElseThrow();
    if (held.isEmpty() || !held.get().input().equals(input)) {
      close();
      float[] products = calibration.hessian(task.module());
      int k = Math.toIntExact(task.weight().columns());
      Prepared prepared = gptq.prepare(SecondMoments.of(products, k), options.gptq());
      held = Optional.of(new Held(input, prepared));
    }
    return held.get().prepared();
  }

  /** What did not go as it was asked for; empty when all did. */
  String fallback(Quantize task, TensorQuantizer quantizer) {
    if (!(quantizer instanceof GptqQuantizer made)) {
      return "";
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
    if (made.rowsRoundedToNearest() > 0) {
      text.append(text.length() == 0 ? "gptq: " : "; ")
          .append(made.rowsRoundedToNearest())
          .append(" rows with NaN or infinities rounded to nearest");
    }
    if (text.length() > 0) {
      LOG.warn("{}: {}", task.module(), text);
    }
    LOG.debug(
        "{}: gptq loss {}, {} of {} inputs always zero",
        task.module(),
        made.loss(),
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
