package org.sparkao.jobs.doctor;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.doctor.Finding.Level;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Failures;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.storage.Storage;

/** Whether jobs can run here, and what to do where they cannot. */
public final class DoctorJob implements Job {
  private static final String UNEXPECTED = "what it names is absent, refused or broken: look there";

  @Override
  public String name() {
    return "doctor";
  }

  @Override
  public String summary() {
    return "Checks Java, Spark, GPU, kernels, tables and, if named, a checkpoint; says how to mend"
        + " what is not well.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return DoctorKeys.all();
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException {
    List<Finding> findings = report(Checks.all(config), console);
    Optional<String> json = config.find(DoctorKeys.JSON);
    if (json.isPresent()) {
      Storage.ofAssignments(config.all(CommonKeys.CONF))
          .writeText(
              json.orElseThrow(),
              new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(findings));
    }
    return count(findings, Level.FAIL) == 0 ? ExitCode.DONE : ExitCode.REFUSED;
  }

  /** Looks at everything, prints each line as soon as it is known, and the counts in the end. */
  static List<Finding> report(List<Check> checks, Console console) {
    List<Finding> all = new ArrayList<>();
    for (Check check : checks) {
      for (Finding finding : findings(check)) {
        all.add(finding);
        console.out().println(finding.lines());
      }
    }
    console
        .out()
        .printf(
            "%d ok, %d to know, %d to mend%n",
            count(all, Level.OK), count(all, Level.WARN), count(all, Level.FAIL));
    return all;
  }

  private static List<Finding> findings(Check check) {
    try {
      return check.look();
    } catch (LinkageError e) {
      return List.of(Finding.fail(check.subject(), Failures.text(e), UNEXPECTED));
    } catch (Exception e) {
      return List.of(Finding.failed(check.subject(), e, UNEXPECTED));
    }
  }

  private static long count(List<Finding> findings, Level level) {
    return findings.stream().filter(finding -> finding.level() == level).count();
  }
}
