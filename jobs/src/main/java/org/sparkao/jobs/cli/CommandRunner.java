package org.sparkao.jobs.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.LoggerFactory;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigFile;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.config.ConfigLayer;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Failures;
import org.sparkao.jobs.job.Job;
import org.sparkao.quant.QuantException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Arguments to a job and its configuration, what it throws to an exit code. */
final class CommandRunner {
  private final List<Job> jobs;
  private final Console console;

  CommandRunner(List<Job> jobs, Console console) {
    this.jobs = jobs;
    this.console = console;
  }

  ExitCode run(String... args) {
    CommandLine root =
        Commands.commandLine(jobs)
            .setOut(new PrintWriter(console.out(), true))
            .setErr(new PrintWriter(console.err(), true));
    try {
      ParseResult result = root.parseArgs(args);
      if (CommandLine.executeHelpRequest(result) != null) {
        return ExitCode.DONE;
      }
      if (!result.hasSubcommand()) {
        root.usage(console.err());
        return ExitCode.REFUSED;
      }
      return run(result.subcommand(), List.of(args));
    } catch (ParameterException e) {
      console.err().println("sparkao: " + e.getMessage());
      CommandLine at = e.getCommandLine();
      console.err().println("See " + at.getCommandSpec().qualifiedName() + " --help");
      return ExitCode.REFUSED;
    }
  }

  private ExitCode run(ParseResult command, List<String> arguments) {
    String name = command.commandSpec().name();
    Job job = jobs.stream().filter(j -> j.name().equals(name)).findFirst().orElseThrow();
    try {
      Config config = config(job, command).from(arguments);
      config.find(CommonKeys.PROPERTIES_FILE).ifPresent(PropertiesFile::apply);
      return job.run(config, console);
    } catch (Exception e) {
      if (Failures.isRefusal(e)) {
        console.err().println("sparkao " + name + ": refused: " + e.getMessage());
        return ExitCode.REFUSED;
      }
      LoggerFactory.getLogger(CommandRunner.class).debug("{} failed", name, e);
      console.err().println("sparkao " + name + ": failed: " + Failures.text(e));
      console.err().println("What was finished is kept; the same command goes on from there.");
      return ExitCode.FAILED;
    }
  }

  private static Config config(Job job, ParseResult command) {
    List<ConfigKey<?>> keys = Commands.keys(job);
    List<ConfigLayer> layers = new ArrayList<>();
    String file = command.matchedOptionValue(Commands.CONFIG, (String) null);
    if (file != null) {
      layers.add(ConfigFile.read(Path.of(file)));
    }
    layers.add(new ConfigLayer("command line", options(keys, command)));
    List<String> sets = command.matchedOptionValue(Commands.SET, List.of());
    layers.add(new ConfigLayer("--set", assignments(sets)));
    return Config.resolve(keys, layers);
  }

  private static Map<String, List<String>> options(List<ConfigKey<?>> keys, ParseResult command) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    for (ConfigKey<?> key : keys) {
      List<String> given =
          key.kind() == ConfigKey.Kind.ARGUMENT
              ? command.matchedPositionals().stream()
                  .filter(spec -> spec.paramLabel().equals(key.placeholder()))
                  .flatMap(spec -> spec.stringValues().stream())
                  .toList()
              : command.hasMatchedOption("--" + key.name())
                  ? command.matchedOption("--" + key.name()).stringValues()
                  : List.of();
      if (!given.isEmpty()) {
        values.put(key.name(), given);
      }
    }
    return values;
  }

  private static Map<String, List<String>> assignments(List<String> sets) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    for (String set : sets) {
      int equals = set.indexOf('=');
      if (equals < 1) {
        throw new QuantException("--set " + set + ": write it as key=value");
      }
      values
          .computeIfAbsent(set.substring(0, equals).strip(), name -> new ArrayList<>())
          .add(set.substring(equals + 1).strip());
    }
    return values;
  }
}
