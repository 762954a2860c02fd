package org.sparkao.jobs.quickstart;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sparkao.jobs.describe.DescribeJob;
import org.sparkao.jobs.job.JobCalls;
import org.sparkao.jobs.job.SampleFiles;
import org.sparkao.jobs.train.TrainJob;

/** Trains the sample for the scheme that costs it most. */
final class TrainingSteps {
  /** Four bits a weight. */
  static final String SCHEME = "W4A16";

  private final JobCalls jobs;
  private final Path root;

  /** The steps that write into a folder. */
  TrainingSteps(JobCalls jobs, Path root) {
    this.jobs = jobs;
    this.root = root;
  }

  /** The trained checkpoint, not yet quantized. */
  Path output() {
    return root.resolve("trained");
  }

  /** Its page. */
  Path page() {
    return root.resolve("trained.html");
  }

  /**
   * Trains on the sample's held-out text, unless that was done, and describes it.
   *
   * @return a line for the user
   */
  String run(Path checkpoint) throws Exception {
    long start = System.nanoTime();
    Path text = root.resolve("held-out.txt");
    SampleFiles.provideText(text);
    jobs.demand(
        new TrainJob(),
        Map.ofEntries(
            Map.entry("checkpoint", List.of(checkpoint.toString())),
            Map.entry("data", List.of(text.toString())),
            Map.entry("output", List.of(output().toString())),
            Map.entry("scheme", List.of(SCHEME)),
            Map.entry("mode", List.of("block")),
            Map.entry("scales", List.of("learned-step")),
            Map.entry("steps", List.of("20")),
            Map.entry("batch-sequences", List.of("4")),
            Map.entry("sequence-length", List.of("64")),
            Map.entry("learning-rate", List.of("1e-3")),
            Map.entry("save-every", List.of("2")),
            Map.entry("device", List.of("cpu"))));
    jobs.demand(
        new DescribeJob(),
        Map.of("run", List.of(output().toString()), "html", List.of(page().toString())));
    return String.format(
        Locale.ROOT, "for %s, in %.1f s", SCHEME, (System.nanoTime() - start) / 1e9);
  }
}
