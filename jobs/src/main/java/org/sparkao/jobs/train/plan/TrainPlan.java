package org.sparkao.jobs.train.plan;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.fake.FakeSettings.Ranges;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.jobs.job.Texts;
import org.sparkao.jobs.quantize.plan.LearnedScales;
import org.sparkao.quant.safetensors.DType;

/**
 * What is to be done.
 *
 * @param model what the headers say
 * @param schemes names of schemes, by module
 * @param stored type of the quantized weights
 * @param sequences tokens of each sample
 * @param options what else decides the result
 * @param teacher folder of the checkpoint whose outputs are learned, where it is another one
 * @param scales that learned ones begin with, where that is not those of the weights
 * @param memory that a task needs
 * @param fingerprint hash of everything that decides the result
 */
public record TrainPlan(
    ModelConfig model,
    Map<String, String> schemes,
    DType stored,
    List<int[]> sequences,
    TrainOptions options,
    Optional<String> teacher,
    Optional<LearnedScales> scales,
    TrainMemory memory,
    String fingerprint) {
  /** Freezes lists and maps. */
  public TrainPlan {
    schemes = Map.copyOf(schemes);
    sequences = List.copyOf(sequences);
  }

  /** What is trained by itself: blocks, or the model. */
  public int units() {
    return options.mode() == TrainMode.BLOCK ? model.sizes().layers() : 1;
  }

  /**
   * Tasks that blocks are dealt out to; where each reads what the one before gives, one.
   *
   * @param wanted at most
   */
  public int blockTasks(int wanted) {
    return options.readsStudent() ? 1 : Math.min(units(), wanted);
  }

  /** Tokens of all steps. */
  public long tokens() {
    return units() * options.steps() * options.stepTokens();
  }

  /** Lines for people. */
  public String text() {
    String what =
        options.mode() == TrainMode.BLOCK
            ? Texts.count(units())
                + (options.readsStudent()
                    ? " blocks, one after the other"
                    : " blocks, each by itself")
                + teacher.map(from -> ", to give what blocks of " + from + " give").orElse("")
            : "the whole model"
                + (options.distills() ? ", distilled from " + teacher.orElse("itself") : "");
    return "model: "
        + model.architecture()
        + ", "
        + (schemes.isEmpty() ? "no layer is" : Texts.count(schemes.size()) + " layers are")
        + " quantized"
        + (options.keepsZeros() ? ", weights that are zero stay zero" : "")
        + "\ntrain: "
        + what
        + ", "
        + Texts.count(options.steps())
        + " steps of "
        + Texts.count(options.stepSequences())
        + " x "
        + Texts.count(options.sequenceLength())
        + " tokens, from "
        + Texts.count(options.samples())
        + " sequences\n"
        + learning()
        + averaging()
        + "computes on: "
        + options.compute()
        + "\nmemory of a task: "
        + memory.text()
        + "\n";
  }

  private String learning() {
    if (options.ranges() == Ranges.COMPUTED || schemes.isEmpty()) {
      return "";
    }
    return "learned scales begin with those of "
        + scales.map(LearnedScales::location).orElse("the weights")
        + "\n";
  }

  private String averaging() {
    Averaging averaging = options.averaging();
    if (!averaging.isShared()) {
      return "";
    }
    long bytes = memory.gradients();
    return "workers: "
        + averaging.workers()
        + ", averaged after every "
        + (averaging.localSteps() == 1 ? "step" : Texts.count(averaging.localSteps()) + " steps")
        + ": each writes "
        + Texts.bytes(bytes + bytes / averaging.workers())
        + " to the output folder and reads "
        + Texts.bytes(2 * bytes)
        + "\n";
  }
}
