package org.sparkao.jobs.generate.run;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.spark.TaskContext;
import org.sparkao.datasets.tokenizer.Tokenizer;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModel.GenerationLimits;
import org.sparkao.gpu.model.LanguageModel.Sampling;
import org.sparkao.jobs.evaluate.run.ExecutorModel;
import org.sparkao.jobs.evaluate.run.ModelRequest;
import org.sparkao.jobs.evaluate.run.ModelSource;
import org.sparkao.jobs.generate.plan.Prompt;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.spark.TextWork;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.RowFile;
import org.sparkao.quant.QuantException;

/** What an executor does for one file: it appears whole, under its name, or not at all. */
final class PartWork implements TextWork<SamplePart> {
  /** Where files grow; the driver deletes it in the end. */
  static final String GROWING = "_sparkao";

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
   */
  record Target(String output, String checkpointHash) implements Serializable {}

  PartWork(ModelSource source, ModelRequest model, Drawing drawing, Target target) {
    this.source = source;
    this.model = model;
    this.drawing = drawing;
    this.target = target;
  }

  /** A model that cannot be run comes back as a refusal: trying again would not help. */
  @Override
  public String run(SamplePart part, TaskContext context) throws IOException {
    try {
      return ExecutorModel.use(source, model, opened -> compute(opened, part)).toJson();
    } catch (QuantException e) {
      return PartOutcome.refused(e.getMessage()).toJson();
    }
  }

  private PartOutcome compute(LanguageModel opened, SamplePart part) {
    String device = ExecutorGpu.label(model.device());
    String numerics = opened.numerics();
    long newTokens = 0;
    if (!part.prompts().isEmpty()) {
      List<int[]> samples = samples(opened, part);
      newTokens =
          samples.stream().mapToLong(ids -> ids.length).sum()
              - part.prompts().stream().mapToLong(prompt -> prompt.ids().length).sum();
      try {
        write(part, rows(part, samples, numerics + "; on " + device));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    int places = opened.continuedAtATime(drawing.most());
    return new PartOutcome(part.prompts().size(), newTokens, places, numerics, device, "");
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

  private List<List<Object>> rows(SamplePart part, List<int[]> samples, String numerics) {
    Tokenizer tokenizer = ExecutorModel.tokenizer(model);
    SampleColumns.Common common =
        new SampleColumns.Common(drawing.seed(), target.checkpointHash(), numerics);
    List<List<Object>> rows = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      int[] ids = samples.get(i);
      rows.add(
          SampleColumns.row(
              common,
              part.firstSample() + (long) i,
              part.prompts().get(i),
              ids,
              tokenizer.decode(ids)));
    }
    return rows;
  }

  /** Attempts have folders of their own; all write the same rows. */
  private void write(SamplePart part, List<List<Object>> rows) throws IOException {
    Storage storage = ExecutorModel.storage();
    Folder folder = storage.folder(target.output());
    String growing = GROWING + "/" + UUID.randomUUID();
    String file = growing + "/" + part.file();
    RowFile.write(storage, folder.location() + "/" + file, SampleColumns.ALL, rows);
    folder.rename(file, part.file());
    folder.delete(growing);
  }
}
