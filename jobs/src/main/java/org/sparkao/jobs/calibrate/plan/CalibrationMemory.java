package org.sparkao.jobs.calibrate.plan;

import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.jobs.job.Texts;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.observe.InputObserver.Products;

/**
 * Bytes of the heap that a task needs beside the model.
 *
 * @param hidden residual streams of its sequences
 * @param sums statistics of the largest block, those that wait to be added included
 */
public record CalibrationMemory(long hidden, long sums) {
  /** Histograms, sums and extremes of an input that is being observed, without a channel's. */
  private static final long INPUT_BYTES = 8L * Long.BYTES * 255 * 128;

  private static final long CHANNEL_BYTES = 2 * Float.BYTES + 2 * Double.BYTES;

  /** Of a task with so many of the groups. */
  public static CalibrationMemory of(CalibrationPlan plan, int groups) {
    CalibrateOptions options = plan.options();
    long each = (options.samples() + options.groups() - 1) / options.groups();
    long sequence = (long) options.sequenceLength() * plan.model().sizes().hidden() * Float.BYTES;
    boolean experts = plan.model().experts().isPresent();
    long hidden = sequence * each * (groups + (experts ? 1 : 0));
    int waiting = Integer.SIZE - Integer.numberOfLeadingZeros(groups);
    long largest = 0;
    for (BlockInputs block : plan.blocks()) {
      long bytes = 0;
      for (BlockInputs.Input input : block.inputs()) {
        long k = input.columns();
        bytes += INPUT_BYTES + CHANNEL_BYTES * k;
        bytes += options.products() == Products.SUMMED ? Float.BYTES * k * k : 0;
      }
      largest = Math.max(largest, bytes);
    }
    return new CalibrationMemory(hidden, largest * waiting);
  }

  /** Both together. */
  public long bytes() {
    return hidden + sums;
  }

  /**
   * Refuses what cannot fit.
   *
   * @param heapBytes most that the JVM takes
   */
  public void require(long heapBytes) {
    if (bytes() > heapBytes) {
      throw new QuantException(
          "a task needs "
              + Texts.bytes(bytes())
              + " beside the model, "
              + text()
              + ", and the heap has "
              + Texts.bytes(heapBytes)
              + "; give executors more memory (SPARKAO_MEMORY for a local run), or more executors"
              + " fewer --samples each, or leave out --hessian");
    }
  }

  /** The parts. */
  public String text() {
    return Texts.bytes(hidden) + " of hidden states and " + Texts.bytes(sums) + " of statistics";
  }
}
