package org.sparkao.jobs.generate.run;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.SparkContext;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.Operation;
import org.sparkao.jobs.evaluate.run.ModelForm;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.generate.plan.GeneratePlan;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.StatusLine;
import org.sparkao.jobs.spark.TextStage;
import org.sparkao.quant.QuantException;

/** The Spark jobs of a run. */
final class PartStage {
  /** Tokens of a pass that is worth its launches. */
  private static final int GPU_PASS = 8192;

  private final GenerateRequest request;
  private final ModelRequest model;
  private final TextStage stage;

  PartStage(SparkContext spark, String group, GenerateRequest request, PlannedDevice device) {
    this.request = request;
    this.model = model(request, device);
    this.stage = new TextStage(spark, group);
  }

  /** Steps on a GPU are always made of prefill's products: the batch may be of any size. */
  private static ModelRequest model(GenerateRequest request, PlannedDevice device) {
    GeneratePlan plan = request.plan();
    GenerateRequest.Settings settings = request.settings();
    boolean gpu = device.kind() == DeviceInfo.Kind.CUDA;
    int pass = Math.max(settings.batch(), plan.promptTokens());
    return new ModelRequest(
        request.checkpoint().location(),
        settings.onlyFile().orElse(""),
        ModelRequest.filesOf(request.checkpoint()),
        device,
        ModelForm.of(gpu ? Arithmetic.BF16 : Arithmetic.FP32).withCache(settings.cache()),
        new ModelRequest.Capacity(
            gpu ? Math.max(GPU_PASS, pass) : pass,
            plan.limits().most(),
            settings.memoryBytes(),
            new ModelRequest.Decoding(
                settings.batch(), gpu ? Operation.PREFILL : Operation.DECODE)));
  }

  /** How executors compute: one of them opens the model, which it keeps. */
  PartOutcome who() throws IOException {
    AtomicReference<PartOutcome> answer = new AtomicReference<>();
    stage.run(
        List.of(SamplePart.NONE),
        work("", ""),
        "Open " + request.checkpoint().location(),
        text -> answer.set(PartOutcome.fromJson(text)));
    PartOutcome who = answer.get();
    if (!who.refusal().isEmpty()) {
      throw new QuantException(who.refusal());
    }
    if (who.places() == 0) {
      throw new QuantException(
          request.checkpoint().location()
              + ": beside the model there is no memory for keys and values of one sequence of "
              + request.plan().limits().most()
              + " tokens on "
              + who.device()
              + "; raise --memory, or choose a smaller --sequence-length");
    }
    return who;
  }

  private PartWork work(String checkpointHash, String numerics) {
    return new PartWork(
        request.source(),
        model,
        Drawing.of(request.plan()),
        new PartWork.Target(request.output(), checkpointHash, numerics));
  }

  /**
   * Computes and writes parts.
   *
   * @param numerics of {@link #who}; an executor that computes otherwise is refused
   */
  void compute(List<SamplePart> parts, String checkpointHash, String numerics, Console console)
      throws IOException {
    GenerateProgress progress =
        new GenerateProgress(parts.stream().mapToInt(part -> part.prompts().size()).sum());
    AtomicReference<String> refusal = new AtomicReference<>();
    StatusLine line = new StatusLine(console, progress::line);
    try {
      stage.run(
          parts,
          work(checkpointHash, numerics),
          "Generate from " + request.checkpoint().location() + ": " + parts.size() + " files",
          text -> {
            PartOutcome outcome = PartOutcome.fromJson(text);
            if (!outcome.refusal().isEmpty()) {
              refusal.compareAndSet(null, outcome.refusal());
              stage.cancel("refused");
              return;
            }
            progress.finished(outcome.samples(), outcome.newTokens());
          });
    } catch (IOException e) {
      if (refusal.get() == null) {
        throw e;
      }
    } finally {
      line.close();
    }
    if (refusal.get() != null) {
      throw new QuantException(refusal.get());
    }
    console.err().println(progress.line());
  }
}
