package org.sparkao.jobs.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkao.quant.QuantException;

/**
 * Keeps secrets out of whatever is stored or shown: values of Spark's settings by the names of the
 * keys, and what stands before the {@code @} of a URI.
 */
public final class Secrets {
  /** Found in the key of a setting whose value nobody shall see; Spark is told the same. */
  public static final String KEYS =
      "(?i)secret|passw|passphrase|token|credential|(access|account|private|encryption|api).?key";

  private static final String HIDDEN = "*(redacted)";
  private static final Pattern SECRET = Pattern.compile(KEYS);

  /** {@code ://NAME:PASSWORD@}, but not {@code ://HOST:PORT/}. */
  private static final Pattern USER_INFO =
      Pattern.compile("://([^/@\\s:]*):(?!\\d{1,5}(?:[/?#,\\s]|$))\\S*@");

  private static final Pattern QUOTED =
      Pattern.compile("((?:spark|fs|hadoop)\\.[\\w.-]*(?:" + KEYS + ")[\\w.-]*=)\\S+");

  private static final String CONF = CommonKeys.CONF.name();

  private Secrets() {}

  /**
   * Refuses a URI with a password in it, which would be stored and shown with the URI.
   *
   * @param origin who named it, for the message
   */
  public static void requireNone(String origin, String uri) {
    if (USER_INFO.matcher(uri).find()) {
      throw new QuantException(
          origin
              + ": "
              + hide(uri)
              + " holds a password; give it by an instance role, a credential provider or the"
              + " environment (conf/storage.md)");
    }
  }

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

  /** A message with the secrets hidden of settings and URIs that it quotes. */
  public static String hideInMessage(String message) {
    return withoutPasswords(
        QUOTED.matcher(message).replaceAll("$1" + Matcher.quoteReplacement(HIDDEN)));
  }

  /** Behind the first of its keys that is a secret's; a class path is long, so once through. */
  private static String hide(String setting) {
    int begin = 0;
    for (int equals = setting.indexOf('='); equals >= 0; equals = setting.indexOf('=', begin)) {
      if (SECRET.matcher(setting).region(begin, equals).find()) {
        return withoutPasswords(setting.substring(0, equals + 1)) + HIDDEN;
      }
      begin = equals + 1;
    }
    return withoutPasswords(setting);
  }

  private static String withoutPasswords(String text) {
    return USER_INFO.matcher(text).replaceAll("://$1:" + Matcher.quoteReplacement(HIDDEN) + "@");
  }
}
