package org.sparkao.jobs.sweep;

import java.util.List;
import java.util.Locale;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.sweep.run.SweepLock.Overlap;

/** What {@code sweep} can be told. */
final class SweepKeys {
  static final ConfigKey<String> FILE =
      ConfigKey.argument("file", "FILE.yaml", "What to sweep over (conf/sweeps/README.md).");
  static final ConfigKey<String> OUTPUT =
      ConfigKey.output(
          "output",
          "URI",
          "Folder for checkpoints, calibrations and the page; the file's own when not given.");
  static final ConfigKey<Integer> PARALLEL =
      ConfigKey.value(
              "parallel",
              "N",
              "Recipes that are worked at at once; the one that began first has the executors"
                  + " first.",
              SweepKeys::parallel)
          .withDefault("2");
  static final ConfigKey<Overlap> OVERLAP =
      ConfigKey.choice(
              "overlap",
              Overlap.class,
              overlap -> overlap.name().toLowerCase(Locale.ROOT),
              "When another driver is at the sweep: end with exit code 75, or wait for its end.")
          .withDefault("refuse");
  static final ConfigKey<String> HTML =
      ConfigKey.output(
          "html", "FILE", "The page of the sweep; sweep.html in the output when not given.");
  static final ConfigKey<Boolean> DRY_RUN =
      ConfigKey.flag(
          "dry-run", "Checks everything, prints the cells and what is missing, writes nothing.");

  private SweepKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(FILE, OUTPUT, PARALLEL, OVERLAP, HTML, DRY_RUN);
  }

  private static int parallel(String text) {
    if (!text.matches("[1-9]\\d{0,2}")) {
      throw new IllegalArgumentException("use a whole number from 1 to 999");
    }
    return Integer.parseInt(text);
  }
}
