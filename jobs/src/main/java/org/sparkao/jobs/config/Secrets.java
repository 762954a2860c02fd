package org.sparkao.jobs.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Keeps values of Spark's settings out of whatever is stored or shown, by the names of the keys.
 */
public final class Secrets {
  /** Found in the key of a setting whose value nobody shall see; Spark is told the same. */
  public static final String KEYS = "(?i)secret|password|token|credential|access.?key";

  private static final String HIDDEN = "*(redacted)";
  private static final Pattern SECRET = Pattern.compile(KEYS);
  private static final String CONF = CommonKeys.CONF.name();

  private Secrets() {}

  /** Keys and texts of a configuration, with the values of secret settings hidden. */
  static Map<String, List<String>> hide(Map<String, List<String>> texts) {
    Map<String, List<String>> hidden = new LinkedHashMap<>(texts);
    hidden.computeIfPresent(CONF, (key, settings) -> settings.stream().map(Secrets::hide).toList());
    return hidden;
  }

  /** A command line with the values of secret settings hidden, however they were given. */
  static List<String> hideIn(List<String> arguments) {
    List<String> hidden = new ArrayList<>();
    String before = "";
    for (String argument : arguments) {
      boolean setting =
          before.equals("--" + CONF)
              || argument.startsWith("--" + CONF + "=")
              || argument.startsWith("--set=" + CONF)
              || before.equals("--set") && argument.startsWith(CONF);
      hidden.add(setting ? hide(argument) : argument);
      before = argument;
    }
    return hidden;
  }

  /** Behind the first of its keys that is a secret's; a class path is long, so once through. */
  private static String hide(String setting) {
    int begin = 0;
    for (int equals = setting.indexOf('='); equals >= 0; equals = setting.indexOf('=', begin)) {
      if (SECRET.matcher(setting).region(begin, equals).find()) {
        return setting.substring(0, equals + 1) + HIDDEN;
      }
      begin = equals + 1;
    }
    return setting;
  }
}
