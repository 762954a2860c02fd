package org.sparkao.jobs.calibrate.plan;

import java.util.List;
import org.sparkao.gpu.model.BlockInputs;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.jobs.job.Texts;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibrated.CpuGptq;
import org.sparkao.quant.observe.InputObserver.Products;
import org.sparkao.quant.observe.PairwiseSum;
import org.sparkao.quant.observe.PairwiseSum.Node;

/**
 * Bytes of the heap that a task needs beside the model.
 *
 * @param hidden residual streams of its sequences
 * @param sums statistics of the largest block, those that wait to be added included
 * @param ahead weights of a block that are read while a GPU runs another one, at most
 */
public record CalibrationMemory(long hidden, long sums, long ahead) {
  /** Histograms, sums and extremes of an input that is being observed, without a channel's. */
  private static final long INPUT_BYTES = 8L * Long.BYTES * 255 * 128;

  /**
   * Blocks that are left while a GPU computes the next one. One of 8B's shapes took the host some 3
   * s, with a training on the same 16 cores, of which a hash is made by one core, and an H200 1 s.
   */
  public static final int LEFT_BESIDE = 3;

  private static final long CHANNEL_BYTES = 2 * Float.BYTES + 2 * Double.BYTES;

  /** Of a task with so many of the groups, whose statistics the processor makes. */
  public static CalibrationMemory of(CalibrationPlan plan, int groups) {
    return of(plan, groups, Integer.SIZE - Integer.numberOfLeadingZeros(groups));
  }

  /**
   * The same where a GPU makes them. The heap has the sums of the blocks that are being left, what
   * others left of one of them, and of the rest their totals. Where it is quantized on the way,
   * nothing is left beside.
   *
   * @param tasks first groups of all tasks, and how many groups there are
   */
  public static CalibrationMemory onGpu(CalibrationPlan plan, int[] tasks) {
    int count = tasks.length - 1;
    int all = tasks[count];
    int groups = 0;
    int own = 0;
    for (int i = 0; i < count; i++) {
      groups = Math.max(groups, tasks[i + 1] - tasks[i]);
      PairwiseSum<Integer> sums = new PairwiseSum<>(all, Integer::sum);
      for (int group = tasks[i]; group < tasks[i + 1]; group++) {
        sums.add(new Node(0, group), 1);
      }
      own = Math.max(own, sums.nodes().size());
    }
    if (plan.options().sequential().asked()) {
      return of(plan, groups);
    }
    int levels = Integer.SIZE - Integer.numberOfLeadingZeros(all);
    int others = count > 1 ? Math.min((count - 1) * own, levels + 1) + LEFT_BESIDE - 1 : 0;
    CalibrationMemory memory = of(plan, groups, LEFT_BESIDE * own + others);
    return new CalibrationMemory(memory.hidden, memory.sums, ahead(plan.model()));
  }

  private static CalibrationMemory of(CalibrationPlan plan, int groups, int waiting) {
    CalibrateOptions options = plan.options();
    boolean sequential = options.sequential().asked();
    long each = (options.samples() + options.groups() - 1) / options.groups();
    long sequence = (long) options.sequenceLength() * Float.BYTES;
    boolean experts = plan.model().experts().isPresent();
    long kept = plan.model().sizes().hidden() + (sequential ? between(plan.model()) : 0);
    long copied = experts && !sequential ? plan.model().sizes().hidden() : 0;
    long hidden = sequence * each * (groups * kept + copied);
    long largest = 0;
    for (BlockInputs block : plan.blocks()) {
      long part =
          block.parts().stream().mapToLong(inputs -> bytes(inputs, options)).max().orElseThrow();
      long whole = bytes(block.inputs(), options);
      largest =
          Math.max(
              largest,
              sequential ? Math.max(whole, part * waiting + factor(block)) : whole * waiting);
    }
    return new CalibrationMemory(hidden, largest, 0);
  }

  /** Of a dense block in fp32; others are read when they are needed. */
  private static long ahead(ModelConfig model) {
    long hidden = model.sizes().hidden();
    long attention = hidden * (model.heads().rowElements() + model.heads().queryElements());
    return model.experts().isPresent()
        ? 0
        : Float.BYTES * (attention + 3 * hidden * model.sizes().intermediate());
  }

  /** Numbers of a token between the parts of a block. */
  private static long between(ModelConfig model) {
    long inner = model.experts().isPresent() ? 0 : model.sizes().intermediate();
    return Math.max(model.heads().queryElements(), inner);
  }

  /** What gptq holds beside the sums. */
  private static long factor(BlockInputs block) {
    return block.inputs().stream()
        .mapToLong(input -> CpuGptq.bytes(input.columns()))
        .max()
        .orElseThrow();
  }

  private static long bytes(List<BlockInputs.Input> inputs, CalibrateOptions options) {
    long bytes = 0;
    for (BlockInputs.Input input : inputs) {
      long k = input.columns();
      bytes += INPUT_BYTES + CHANNEL_BYTES * k;
      bytes += options.products() == Products.SUMMED ? Float.BYTES * k * k : 0;
    }
    return bytes;
  }

  /** All together. */
  public long bytes() {
    return hidden + sums + ahead;
  }

  /**
   * Refuses what cannot fit.
   *
   * @param heapBytes most that the JVM takes
   * @param options of the calibration
   */
  public void require(long heapBytes, CalibrateOptions options) {
    if (bytes() > heapBytes) {
      throw new QuantException(
          "a task needs "
              + Texts.bytes(bytes())
              + " beside the model, "
              + text()
              + ", and the heap has "
              + Texts.bytes(heapBytes)
              + "; give executors more memory (SPARKAO_MEMORY for a local run), or more executors"
              + " fewer --samples each"
              + options.less().map(way -> ", or " + way).orElse(""));
    }
  }

  /** The parts. */
  public String text() {
    String both =
        Texts.bytes(hidden) + " of hidden states and " + Texts.bytes(sums) + " of statistics";
    return ahead > 0 ? both + ", with " + Texts.bytes(ahead) + " of weights" : both;
  }
}
