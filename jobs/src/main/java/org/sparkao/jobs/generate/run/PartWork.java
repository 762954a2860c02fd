package org.sparkao.jobs.generate.run;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.TaskContext;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.gpu.model.LanguageModel.Sampling;
import org.sparkao.jobs.evaluate.run.ExecutorModel;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.evaluate.run.OneWay;
import org.sparkao.jobs.generate.plan.Prompt;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.ScratchFolder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.SampleRow;
import org.sparkao.quant.QuantException;

/** What an executor does for one file: it appears whole, under its name, or not at all. */
final class PartWork implements TextWork<SamplePart> {
  private static final long serialVersionUID = 1;

  private final ModelSource source;
  private final ModelRequest model;
  private final Drawing drawing;
  private final Target target;

  /**
   * Where samples go, and what all have in common.
   *
   * @param output folder
   * @param checkpointHash of the model; empty before it is known
   * @param numerics how the model computes, and on what; empty before it is known
   */
  record Target(String output, String checkpointHash, String numerics) implements Serializable {}

  PartWork(ModelSource source, ModelRequest model, Drawing drawing, Target target) {
    this.source = source;
    this.model = model;
    this.drawing = drawing;
    this.target = target;
  }

  /** What the model gave, to be written while the next task has it. */
  private record Generated(
      List<int[]> samples, Tokenizer tokenizer, String numerics, String device, int places) {}

  /** A model that cannot be run comes back as a refusal: trying again would not help. */
  @Override
  public String run(SamplePart part, TaskContext context) throws IOException {
    Generated generated;
    try {
      generated = ExecutorModel.use(source, model, opened -> generate(opened, part));
    } catch (QuantException e) {
      return PartOutcome.refused(e.getMessage()).toJson();
    }
    context.killTaskIfInterrupted();
    long newTokens = 0;
    if (!part.prompts().isEmpty()) {
      write(part, rows(part, generated));
      newTokens =
          generated.samples.stream().mapToLong(ids -> ids.length).sum()
              - part.prompts().stream().mapToLong(prompt -> prompt.ids().length).sum();
    }
    return new PartOutcome(
            part.prompts().size(),
            newTokens,
            generated.places,
            generated.numerics,
            generated.device,
            "")
        .toJson();
  }

  private Generated generate(LanguageModel opened, SamplePart part) {
    String device = ExecutorGpu.label(model.device());
    OneWay.require(target.numerics, PartOutcome.way(opened.numerics(), device));
    return new Generated(
        part.prompts().isEmpty() ? List.of() : samples(opened, part),
        ExecutorModel.tokenizer(model),
        opened.numerics(),
        device,
        opened.continuedAtATime(drawing.most()));
  }

  private List<int[]> samples(LanguageModel opened, SamplePart part) {
    List<int[]> prompts = part.prompts().stream().map(Prompt::ids).toList();
    int length = prompts.get(0).length;
    List<int[]> continuations =
        opened.generate(
            prompts,
            new GenerationLimits(
                drawing.most() - length,
                Math.max(0, drawing.least() - length),
                drawing.endTokens(),
                LanguageModel.StopRule.NEVER),
            new Sampling(drawing.rule(), drawing.seed(), part.firstSample()));
    return IntStream.range(0, prompts.size())
        .mapToObj(
            i ->
                IntStream.concat(IntStream.of(prompts.get(i)), IntStream.of(continuations.get(i)))
                    .toArray())
        .toList();
  }

  /** Texts are decoded on all cores: the device waits for nothing else when the last is done. */
  private List<SampleRow> rows(SamplePart part, Generated generated) {
    SampleRow.Origin origin =
        new SampleRow.Origin(drawing.seed(), target.checkpointHash(), target.numerics());
    return IntStream.range(0, generated.samples.size())
        .parallel()
        .mapToObj(i -> row(part, generated, i, origin))
        .toList();
  }

  private static SampleRow row(
      SamplePart part, Generated generated, int i, SampleRow.Origin origin) {
    Prompt prompt = part.prompts().get(i);
    int[] ids = generated.samples.get(i);
    return new SampleRow(
        part.firstSample() + (long) i,
        new SampleRow.PromptPlace(prompt.source(), prompt.offset(), prompt.ids().length),
        ids,
        generated.tokenizer.decode(ids),
        origin);
  }

  /** Attempts have files of their own; all write the same rows. */
  private void write(SamplePart part, List<SampleRow> rows) throws IOException {
    Storage storage = ExecutorModel.storage();
    try (ScratchFolder scratch = ScratchFolder.create(storage, "sparkao-samples")) {
      Path file = scratch.path().resolve(part.file());
      SampleRow.write(file, rows);
      new SampleFolder(storage.folder(target.output())).add(part, file);
    }
  }
}
