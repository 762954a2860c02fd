package org.sparkao.jobs.verify;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.job.Console;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.Job;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;

/** Whether vLLM and transformers will load a checkpoint, and read the right numbers from it. */
public final class VerifyJob implements Job {

  @Override
  public String name() {
    return "verify";
  }

  @Override
  public String summary() {
    return "Checks names, types, shapes, scales and hashes of a checkpoint, anybody's, against what"
        + " vLLM and transformers load.";
  }

  @Override
  public List<ConfigKey<?>> keys() {
    return VerifyKeys.all();
  }

  @Override
  public ExitCode run(Config config, Console console) throws IOException {
    CheckpointLocation location = CheckpointLocation.of(config.value(VerifyKeys.CHECKPOINT));
    Folder folder = Storage.ofAssignments(config.all(CommonKeys.CONF)).folder(location.folder());
    try (OpenedCheckpoint contents = open(location, folder)) {
      RecordedRun recorded = RecordedRun.of(folder, config);
      List<Rule> rules = new ArrayList<>(Rules.all(config.value(VerifyKeys.TENSOR_PARALLEL)));
      recorded.rule().ifPresent(rules::add);
      VerifyReport report = CheckpointVerifier.verify(contents, rules);
      VerifyText.lines(report, recorded.note()).forEach(console.out()::println);
      return report.clean() ? ExitCode.DONE : ExitCode.REFUSED;
    }
  }

  private static OpenedCheckpoint open(CheckpointLocation location, Folder folder)
      throws IOException {
    return location.file().isPresent()
        ? OpenedCheckpoint.file(folder, location.file().orElseThrow())
        : OpenedCheckpoint.folder(folder);
  }
}
