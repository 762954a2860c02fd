package org.sparkao.jobs.config;

import java.util.List;
import java.util.Map;

/** Writes {@code conf/README.md} from the declared keys. */
public final class KeyReference {
  private KeyReference() {}

  /**
   * The whole page.
   *
   * @param jobs the own keys of each job, in the order of the page
   */
  public static String markdown(Map<String, List<ConfigKey<?>>> jobs) {
    StringBuilder page = new StringBuilder();
    page.append("# Configuration keys\n\n")
        .append("Generated from the code (`KeyReference`); a test fails when it is stale.\n\n")
        .append("Every key is an option (`--key value`), a key of `--config FILE` (a flat YAML")
        .append(" map) and of `--set key=value`.\n")
        .append("`--set` wins over the option, the option over the file, the file over the")
        .append(" default; a list is replaced as a whole.\n");
    section(page, "Every job", CommonKeys.all());
    jobs.forEach(
        (job, keys) -> {
          if (!keys.isEmpty()) {
            section(page, "`" + job + "`", keys);
          }
        });
    return page.toString();
  }

  private static void section(StringBuilder page, String title, List<ConfigKey<?>> keys) {
    page.append("\n## ")
        .append(title)
        .append("\n\n| key | value | default | what |\n")
        .append("|---|---|---|---|\n");
    for (ConfigKey<?> key : keys) {
      page.append("| `")
          .append(key.name())
          .append("` | ")
          .append(value(key))
          .append(" | ")
          .append(key.fallback().map(text -> "`" + text + "`").orElse(""))
          .append(" | ")
          .append(escape(key.doc()))
          .append(" |\n");
    }
  }

  private static String value(ConfigKey<?> key) {
    return switch (key.kind()) {
      case FLAG -> "`true` or `false`";
      case LIST -> "list of `" + escape(key.placeholder()) + "`";
      case VALUE, ARGUMENT -> "`" + escape(key.placeholder()) + "`";
    };
  }

  private static String escape(String text) {
    return text.replace("|", "\\|");
  }
}
