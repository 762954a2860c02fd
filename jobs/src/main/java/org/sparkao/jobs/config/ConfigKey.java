package org.sparkao.jobs.config;

import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.sparkao.quant.QuantException;

/**
 * One thing that a user can set, declared once.
 *
 * @param name kebab-case; the option is {@code --name}
 * @param kind how often it is given
 * @param placeholder what stands for the value in help texts, such as {@code URI}
 * @param fallback the text that is parsed when nothing is given
 * @param doc one sentence or two for help texts and {@code conf/README.md}
 * @param parser text to value; throws {@link IllegalArgumentException} saying what would do
 */
public record ConfigKey<T>(
    String name,
    Kind kind,
    String placeholder,
    Optional<String> fallback,
    String doc,
    Function<String, T> parser) {

  /** Begins addresses of repositories of models. */
  private static final String HUB = "hf:";

  /** How often a key is given. */
  public enum Kind {
    /** Once, with a value. */
    VALUE,
    /** Any number of times, in order. */
    LIST,
    /** Present or not; {@code true} or {@code false} in a file. */
    FLAG,
    /** Once, as the argument without a name; by its name in a file. */
    ARGUMENT
  }

  /** All parts are given. */
  public ConfigKey {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(placeholder, "placeholder");
    Objects.requireNonNull(fallback, "fallback");
    Objects.requireNonNull(doc, "doc");
    Objects.requireNonNull(parser, "parser");
    if (!name.matches("[a-z][a-z0-9]*(-[a-z0-9]+)*")) {
      throw new IllegalArgumentException("key " + name + " is not kebab-case");
    }
  }

  /** A key whose value is used as it is written. */
  public static ConfigKey<String> text(String name, String placeholder, String doc) {
    return value(name, placeholder, doc, text -> text);
  }

  /** A key of a place that is written to. */
  public static ConfigKey<String> output(String name, String placeholder, String doc) {
    return value(name, placeholder, doc, ConfigKey::writable);
  }

  private static String writable(String uri) {
    if (uri.regionMatches(true, 0, HUB, 0, HUB.length())) {
      throw new IllegalArgumentException(
          "repositories at the hub are only read; write to a disk or a Hadoop URI, and upload"
              + " that");
    }
    return uri;
  }

  /** A key whose text is parsed. */
  public static <T> ConfigKey<T> value(
      String name, String placeholder, String doc, Function<String, T> parser) {
    return new ConfigKey<>(name, Kind.VALUE, placeholder, Optional.empty(), doc, parser);
  }

  /** A key that may be given several times. */
  public static <T> ConfigKey<T> list(
      String name, String placeholder, String doc, Function<String, T> parser) {
    return new ConfigKey<>(name, Kind.LIST, placeholder, Optional.empty(), doc, parser);
  }

  /** A switch, off unless given. */
  public static ConfigKey<Boolean> flag(String name, String doc) {
    return new ConfigKey<>(name, Kind.FLAG, "", Optional.of("false"), doc, ConfigKey::parseBoolean);
  }

  /** The argument without a name. */
  public static ConfigKey<String> argument(String name, String placeholder, String doc) {
    return new ConfigKey<>(name, Kind.ARGUMENT, placeholder, Optional.empty(), doc, text -> text);
  }

  /** A key with one of a few values, matched in lower case through {@code names}. */
  public static <E extends Enum<E>> ConfigKey<E> choice(
      String name, Class<E> type, Function<E, String> names, String doc) {
    String all = Arrays.stream(type.getEnumConstants()).map(names).collect(Collectors.joining("|"));
    return value(
        name,
        all,
        doc,
        text ->
            Arrays.stream(type.getEnumConstants())
                .filter(constant -> names.apply(constant).equals(text.toLowerCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("use one of " + all)));
  }

  /** This key with a default. */
  public ConfigKey<T> withDefault(String text) {
    return new ConfigKey<>(name, kind, placeholder, Optional.of(text), doc, parser);
  }

  /**
   * The value of {@code text}.
   *
   * @throws QuantException naming the key, the text and what would do
   */
  public T parse(String text) {
    try {
      return parser.apply(text);
    } catch (IllegalArgumentException e) {
      throw new QuantException("--" + name + " " + text + ": " + e.getMessage(), e);
    }
  }

  private static Boolean parseBoolean(String text) {
    if (text.equals("true") || text.equals("false")) {
      return Boolean.valueOf(text);
    }
    throw new IllegalArgumentException("use true or false");
  }
}
