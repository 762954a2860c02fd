package org.sparkao.jobs.verify;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.sparkao.jobs.job.TextTable;
import org.sparkao.jobs.job.Texts;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.config.Severity;

/** A report for a terminal: what was found, errors first, and what each loader will do. */
final class VerifyText {
  private static final int ERRORS_OF_A_KIND = 20;
  private static final int WARNINGS_OF_A_KIND = 3;

  private VerifyText() {}

  /** The lines. */
  static List<String> lines(VerifyReport report, String note) {
    List<String> lines = new ArrayList<>();
    lines.add(
        report.location()
            + ": "
            + Texts.count(report.tensors())
            + " tensors, "
            + Texts.count(report.quantizedModules())
            + " quantized modules");
    lines.add(note);
    if (!report.findings().isEmpty()) {
      lines.add("");
      lines.addAll(findings(report));
    }
    lines.add("");
    for (Loader loader : Loader.values()) {
      lines.add(verdict(report, loader));
    }
    return lines;
  }

  /** Of many findings that say the same of different tensors, the first are shown. */
  private static List<String> findings(VerifyReport report) {
    TextTable table =
        TextTable.of(
            TextTable.text("level"),
            TextTable.text("tensor or key"),
            TextTable.text("what"),
            TextTable.text("way out"),
            TextTable.text("for"));
    List<Finding> sorted =
        report.findings().stream().sorted(Comparator.comparing(Finding::severity)).toList();
    List<Finding> shown =
        sorted.stream()
            .collect(Collectors.groupingBy(finding -> finding.severity() + finding.wayOut()))
            .values()
            .stream()
            .flatMap(kind -> kind.stream().limit(shownOf(kind.get(0).severity())))
            .toList();
    sorted.stream()
        .filter(shown::contains)
        .forEach(
            finding ->
                table.row(
                    finding.severity().name().toLowerCase(Locale.ROOT),
                    finding.subject(),
                    finding.what(),
                    finding.wayOut(),
                    loaders(finding)));
    List<String> lines = new ArrayList<>(table.lines());
    if (shown.size() < sorted.size()) {
      lines.add("and " + Texts.count(sorted.size() - shown.size()) + " more of the same kinds");
    }
    return lines;
  }

  private static int shownOf(Severity severity) {
    return severity == Severity.ERROR ? ERRORS_OF_A_KIND : WARNINGS_OF_A_KIND;
  }

  private static String loaders(Finding finding) {
    return finding.loaders().stream()
        .sorted()
        .map(Loader::displayName)
        .collect(Collectors.joining(", "));
  }

  private static String verdict(VerifyReport report, Loader loader) {
    long errors = report.count(Severity.ERROR, loader);
    long warnings = report.count(Severity.WARNING, loader);
    String extra = warnings == 0 ? "" : ", " + plural(warnings, "warning");
    return loader.displayName()
        + ": "
        + (errors == 0 ? "ok" : "not fit to load, " + plural(errors, "error"))
        + extra;
  }

  private static String plural(long count, String noun) {
    return Texts.count(count) + " " + noun + (count == 1 ? "" : "s");
  }
}
