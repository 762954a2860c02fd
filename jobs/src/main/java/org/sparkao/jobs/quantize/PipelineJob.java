package org.sparkao.jobs.quantize;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;

/**
 * Quantizes components of a pipeline, each a run of its own in a folder of the output, and copies
 * the rest. All of them are planned before one is written.
 */
final class PipelineJob {
  private final Pipeline pipeline;
  private final Storage storage;
  private final Component component;

  /** What quantizes the checkpoint that a configuration names. */
  @FunctionalInterface
  interface Component {
    ExitCode run(Config config, Console console) throws Exception;
  }

  PipelineJob(Pipeline pipeline, Storage storage, Component component) {
    this.pipeline = pipeline;
    this.storage = storage;
    this.component = component;
  }

  ExitCode run(Config config, Console console) throws Exception {
    List<String> chosen = config.all(QuantizeKeys.COMPONENT);
    pipeline.require(chosen);
    if (chosen.size() > 1 && config.isSet(CommonKeys.RUN_ID)) {
      throw new QuantException(
          "--run-id names one run, but every --component is a run of its own; leave it out");
    }
    boolean dryRun = config.value(QuantizeKeys.DRY_RUN);
    if (config.isSet(QuantizeKeys.OUTPUT) || !dryRun) {
      pipeline.requireFree(storage.folder(config.value(QuantizeKeys.OUTPUT)));
    }
    Console planning = dryRun ? console : quiet(console);
    for (String name : chosen) {
      component.run(
          of(config, pipeline.location(), name).with(Map.of("dry-run", List.of("true"))), planning);
    }
    if (dryRun) {
      return ExitCode.DONE;
    }
    for (String name : chosen) {
      component.run(of(config, pipeline.location(), name), console);
    }
    Folder output = storage.folder(config.value(QuantizeKeys.OUTPUT));
    pipeline.copyRest(chosen, output);
    console.out().println("the rest of the pipeline is copied: " + output.location());
    return ExitCode.DONE;
  }

  /** The same configuration for the folder of a component. */
  private static Config of(Config config, String root, String name) {
    String checkpoint = Pipeline.within(root, name);
    Config inner = config.with(Map.of(QuantizeKeys.CHECKPOINT.name(), List.of(checkpoint)));
    return config.isSet(QuantizeKeys.OUTPUT)
        ? inner.with(
            Map.of(
                QuantizeKeys.OUTPUT.name(),
                List.of(Pipeline.within(config.value(QuantizeKeys.OUTPUT), name))))
        : inner;
  }

  /** A plan that is shown again when it is carried out. */
  private static Console quiet(Console console) {
    PrintStream nothing =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    return new Console(nothing, console.err(), console.terminal());
  }
}
