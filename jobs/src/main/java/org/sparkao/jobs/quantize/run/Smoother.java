package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.SmoothedPair;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.quant.algorithm.Quantizers;
import org.sparkao.quant.algorithm.RangeChoice;
import org.sparkao.quant.algorithm.RowRounding;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.calibrated.AwqSearch;
import org.sparkao.quant.calibrated.AwqSearch.Candidate;
import org.sparkao.quant.calibrated.OutputError;
import org.sparkao.quant.calibrated.SecondMoments;
import org.sparkao.quant.calibrated.SmoothQuant;
import org.sparkao.quant.calibrated.WeightMeans;
import org.sparkao.quant.calibration.CalibratedInput;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.WeightReader;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.DType;

/**
 * Scales of columns, and the weights under them. The scales of a pair are found when they are first
 * needed and kept until the file is done: all of a pair is in one unit. For one thread.
 *
 * <p>AWQ minimizes the error of the outputs of the layers that read the input, which follows from
 * the second moments of the input alone. For a pair of one layer that is the parent block of
 * llm-compressor; for q, k, v and for gate, up it stops short of the attention and the product.
 */
final class Smoother {
  private static final Logger LOG = LoggerFactory.getLogger(Smoother.class);

  private final CheckpointFiles source;
  private final Calibration calibration;
  private final Arithmetic arithmetic;
  private final Map<String, SmoothedPair> byPrevious = new HashMap<>();
  private final Map<String, SmoothedPair> byBalanced = new HashMap<>();
  private final Map<SmoothedPair, double[]> found = new HashMap<>();
  private final Set<SmoothedPair> unsmoothed = new HashSet<>();

  Smoother(
      CheckpointFiles source,
      Calibration calibration,
      Arithmetic arithmetic,
      List<SmoothedPair> pairs) {
    this.source = source;
    this.calibration = calibration;
    this.arithmetic = arithmetic;
    for (SmoothedPair pair : pairs) {
      byPrevious.put(pair.previous(), pair);
      pair.balanced().forEach(weight -> byBalanced.put(weight.module(), pair));
    }
  }

  /** Whether the weights of a module change. */
  boolean changes(String module) {
    return byPrevious.containsKey(module) || byBalanced.containsKey(module);
  }

  /**
   * Multiplies columns and divides rows, each result rounded to the type of the weight.
   *
   * @param weights rows [rowBegin, rowBegin + rows) of {@code columns} weights, replaced
   */
  void apply(String module, DType dtype, byte[] weights, long rowBegin, int rows, int columns)
      throws IOException {
    WeightType type = type(dtype);
    if (byBalanced.containsKey(module)) {
      double[] scales = scales(byBalanced.get(module));
      for (int i = 0; i < rows * columns; i++) {
        replace(type, weights, i, scales[i % columns]);
      }
    }
    if (byPrevious.containsKey(module)) {
      double[] scales = scales(byPrevious.get(module));
      for (int i = 0; i < rows * columns; i++) {
        replace(type, weights, i, 1 / scales[(int) rowBegin + i / columns]);
      }
    }
  }

  /** What did not go as it was asked for a weight, once its rows were taken; empty when all did. */
  String fallback(String module) {
    return unsmoothed.contains(byBalanced.get(module))
        ? "awq: no candidate has a finite loss, columns are not scaled"
        : "";
  }

  private static void replace(WeightType type, byte[] weights, int index, double factor) {
    int at = index * type.bytes();
    float value = (float) (type.read(weights, at) * factor);
    type.write(type.round(value), weights, at);
  }

  private static WeightType type(DType dtype) {
    return WeightType.valueOf(dtype.name());
  }

  private double[] scales(SmoothedPair pair) throws IOException {
    double[] scales = found.get(pair);
    if (scales == null) {
      scales = arithmetic.algorithm() == WeightAlgorithm.AWQ ? awqScales(pair) : smoothScales(pair);
      found.put(pair, scales);
    }
    return scales;
  }

  private double[] smoothScales(SmoothedPair pair) throws IOException {
    CalibratedInput input = calibration.input(pair.balanced().get(0).module());
    float[] amax = new float[pair.columns()];
    for (Quantize weight : pair.balanced()) {
      float[] one = calibration.weightColumnAmax(weight.module());
      for (int j = 0; j < amax.length; j++) {
        amax[j] = Math.max(amax[j], one[j]);
      }
    }
    float[] scales =
        SmoothQuant.scales(input.min(), input.max(), amax, arithmetic.calibrated().strength());
    double[] wide = new double[scales.length];
    for (int j = 0; j < wide.length; j++) {
      wide[j] = scales[j];
    }
    return wide;
  }

  private double[] awqScales(SmoothedPair pair) throws IOException {
    String module = pair.balanced().get(0).module();
    float[] inputMean = calibration.input(module).meanAbsolute();
    WeightMeans means = new WeightMeans(pair.columns());
    for (Quantize weight : pair.balanced()) {
      int groupColumns = rounding(weight).groupColumns();
      eachSlice(weight, (rows, count) -> means.add(rows, count, groupColumns));
    }
    double[] weightMean = means.means();
    List<double[]> candidates = new ArrayList<>();
    for (Candidate candidate : AwqSearch.grid(arithmetic.calibrated().duo())) {
      candidates.add(AwqSearch.scales(candidate, inputMean, weightMean));
    }
    double[] losses = losses(pair, candidates);
    int[] next = new int[1];
    AwqSearch.Found best =
        AwqSearch.search(
            arithmetic.calibrated().duo(), inputMean, weightMean, scales -> losses[next[0]++]);
    if (best.best().isEmpty()) {
      LOG.warn("{}: awq found no candidate of finite loss, columns are not scaled", module);
      unsmoothed.add(pair);
    }
    return best.scales();
  }

  /** Of all candidates, the weights being read once. */
  private double[] losses(SmoothedPair pair, List<double[]> candidates) throws IOException {
    double[] losses = new double[candidates.size()];
    OutputError error =
        new OutputError(
            SecondMoments.of(calibration.hessian(pair.balanced().get(0).module()), pair.columns()));
    for (Quantize weight : pair.balanced()) {
      RowRounding rounding = rounding(weight);
      eachSlice(
          weight,
          (rows, count) -> {
            for (int c = 0; c < losses.length; c++) {
              losses[c] += error.of(change(rounding, rows, candidates.get(c), count), count);
            }
          });
    }
    return losses;
  }

  /** Q(W s) / s - W. */
  private static float[] change(RowRounding rounding, float[] weights, double[] scales, int rows) {
    float[] change = new float[weights.length];
    int columns = scales.length;
    for (int i = 0; i < rows * columns; i++) {
      change[i] = rounding.type().round((float) (weights[i] * scales[i % columns]));
    }
    rounding.round(change, rows);
    for (int i = 0; i < rows * columns; i++) {
      change[i] = (float) (change[i] / scales[i % columns]) - weights[i];
    }
    return change;
  }

  private RowRounding rounding(Quantize weight) {
    return Quantizers.rounding(arithmetic.request(weight), RangeChoice.of(Optional.empty()));
  }

  /** Takes rows as fp32. */
  private interface Slices {
    void take(float[] rows, int count);
  }

  private void eachSlice(Quantize task, Slices slices) throws IOException {
    int band = rounding(task).bandRows(Math.toIntExact(task.weight().rows()));
    int step = WeightSlices.rows(task.weight(), band);
    WeightType type = type(task.weight().dtype());
    int columns = Math.toIntExact(task.weight().columns());
    byte[] stored = new byte[step * columns * type.bytes()];
    float[] rows = new float[step * columns];
    try (WeightReader reader = WeightReader.open(source, task.weight())) {
      for (long row = 0; row < task.weight().rows(); row += step) {
        int count = (int) Math.min(step, task.weight().rows() - row);
        reader.readRows(row, count, stored, 0);
        for (int i = 0; i < count * columns; i++) {
          rows[i] = type.read(stored, i * type.bytes());
        }
        slices.take(rows, count);
      }
    }
  }
}
