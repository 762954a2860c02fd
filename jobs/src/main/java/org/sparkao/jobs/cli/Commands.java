package org.sparkao.jobs.cli;

import java.util.ArrayList;
import java.util.List;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.job.ProgramVersion;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The commands and options that the jobs' keys make. */
final class Commands {
  static final String CONFIG = "--config";
  static final String SET = "--set";
  private static final int HELP_WIDTH = 100;

  private Commands() {}

  static CommandLine commandLine(List<Job> jobs) {
    CommandSpec root = CommandSpec.create().name("sparkao");
    root.usageMessage()
        .description("Quantizes checkpoints of language models with Spark.")
        .synopsisSubcommandLabel("JOB")
        .width(HELP_WIDTH)
        .footer(
            "",
            "Exit code: 0 done, 2 refused (nothing was done), 1 failed while running; of a sweep"
                + " also 3 some cells failed, 4 regression, 75 another driver is at it, 99 nothing"
                + " to do.");
    root.version("sparkao " + ProgramVersion.current());
    root.addOption(help());
    root.addOption(
        OptionSpec.builder("--version")
            .versionHelp(true)
            .description("Shows the version and the commit it was built from.")
            .build());
    jobs.forEach(job -> root.addSubcommand(job.name(), command(job)));
    return new CommandLine(root);
  }

  static List<ConfigKey<?>> keys(Job job) {
    List<ConfigKey<?>> keys = new ArrayList<>(job.keys());
    keys.addAll(CommonKeys.all());
    return keys;
  }

  private static CommandSpec command(Job job) {
    CommandSpec spec = CommandSpec.create().name(job.name());
    spec.usageMessage()
        .description(job.summary())
        .width(HELP_WIDTH)
        .sortOptions(false)
        .footer(
            "",
            "Every option is also a key of --config FILE and of --set key=value; --set wins over"
                + " the option, the option over the file.");
    for (ConfigKey<?> key : keys(job)) {
      if (key.kind() == ConfigKey.Kind.ARGUMENT) {
        spec.addPositional(argument(key));
      } else {
        spec.addOption(option(key));
      }
    }
    spec.addOption(
        OptionSpec.builder(CONFIG)
            .paramLabel("FILE")
            .type(String.class)
            .description("A YAML file of keys and values.")
            .build());
    spec.addOption(
        OptionSpec.builder(SET)
            .paramLabel("KEY=VALUE")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .arity("1")
            .description("Sets a key; may be repeated.")
            .build());
    return spec.addOption(help());
  }

  private static OptionSpec help() {
    return OptionSpec.builder("-h", "--help")
        .usageHelp(true)
        .description("Shows this text.")
        .build();
  }

  private static PositionalParamSpec argument(ConfigKey<?> key) {
    return PositionalParamSpec.builder()
        .paramLabel(key.placeholder())
        .index("0")
        .arity("0..1")
        .type(String.class)
        .description(escape(key.doc()))
        .build();
  }

  private static OptionSpec option(ConfigKey<?> key) {
    OptionSpec.Builder option =
        OptionSpec.builder("--" + key.name()).description(escape(description(key)));
    switch (key.kind()) {
      case FLAG -> option.type(boolean.class).arity("0");
      case LIST ->
          option
              .type(List.class)
              .auxiliaryTypes(String.class)
              .arity("1")
              .paramLabel(key.placeholder());
      case VALUE, ARGUMENT -> option.type(String.class).arity("1").paramLabel(key.placeholder());
    }
    return option.build();
  }

  private static String description(ConfigKey<?> key) {
    boolean shown = key.kind() != ConfigKey.Kind.FLAG && key.fallback().isPresent();
    return shown ? key.doc() + " Default: " + key.fallback().orElseThrow() : key.doc();
  }

  private static String escape(String text) {
    return text.replace("%", "%%");
  }
}
