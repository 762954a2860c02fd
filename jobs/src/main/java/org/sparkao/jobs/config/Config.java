package org.sparkao.jobs.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkao.quant.QuantException;

/**
 * What a job was told, as one value. A key that is set in several places takes the strongest and
 * forgets the rest, lists included: {@code --set key=value} before the option {@code --key value}
 * before {@code --config FILE} before the default.
 */
public final class Config {
  private final Map<String, ConfigKey<?>> keys;
  private final Map<String, List<String>> texts;
  private final List<String> arguments;

  private Config(
      Map<String, ConfigKey<?>> keys, Map<String, List<String>> texts, List<String> arguments) {
    this.keys = keys;
    this.texts = texts;
    this.arguments = arguments;
  }

  /**
   * Puts the layers together and parses every value once, so that a bad one is found here.
   *
   * @param keys what the job understands
   * @param layers from weakest to strongest: file, options, {@code --set}
   * @throws QuantException naming an unknown key and listing the valid ones, or a value that does
   *     not parse
   */
  public static Config resolve(List<ConfigKey<?>> keys, List<ConfigLayer> layers) {
    Map<String, ConfigKey<?>> byName = new LinkedHashMap<>();
    keys.forEach(key -> byName.put(key.name(), key));
    Map<String, List<String>> texts = new LinkedHashMap<>();
    for (ConfigLayer layer : layers) {
      layer
          .values()
          .forEach(
              (name, values) -> {
                ConfigKey<?> key = byName.get(name);
                if (key == null) {
                  throw unknown(name, layer, byName);
                }
                check(key, values, layer);
                texts.put(name, List.copyOf(values));
              });
    }
    return new Config(byName, texts, List.of());
  }

  /** This configuration, with the command line that it comes from. */
  public Config from(List<String> commandLine) {
    return new Config(keys, texts, Secrets.hideIn(commandLine));
  }

  /** This configuration with other texts for some keys. */
  public Config with(Map<String, List<String>> changes) {
    Map<String, List<String>> changed = new LinkedHashMap<>(texts);
    changes.forEach(
        (name, values) -> {
          check(keys.get(name), values, new ConfigLayer("a job", changes));
          changed.put(name, List.copyOf(values));
        });
    return new Config(keys, changed, arguments);
  }

  /** The command line as it was given, but for secrets; empty when there was none. */
  public List<String> arguments() {
    return arguments;
  }

  private static QuantException unknown(
      String name, ConfigLayer layer, Map<String, ConfigKey<?>> keys) {
    return new QuantException(
        layer.origin()
            + ": unknown key \""
            + name
            + "\"; there are "
            + keys.keySet().stream().sorted().collect(Collectors.joining(", ")));
  }

  private static void check(ConfigKey<?> key, List<String> values, ConfigLayer layer) {
    if (key.kind() != ConfigKey.Kind.LIST && values.size() != 1) {
      throw new QuantException(
          layer.origin() + ": " + key.name() + " takes one value, not " + values);
    }
    if (!key.name().equals(CommonKeys.CONF.name())) {
      values.forEach(value -> Secrets.requireNone("--" + key.name(), value));
    }
    values.forEach(key::parse);
  }

  /**
   * The value of a key.
   *
   * @throws QuantException when it was not given and has no default
   */
  public <T> T value(ConfigKey<T> key) {
    return find(key)
        .orElseThrow(
            () ->
                new QuantException(
                    "--" + key.name() + " " + key.placeholder() + " is missing: " + key.doc()));
  }

  /** The value of a key, or its default, or nothing. */
  public <T> Optional<T> find(ConfigKey<T> key) {
    return text(key).map(key::parse);
  }

  /** All values of a list, in the order given. */
  public <T> List<T> all(ConfigKey<T> key) {
    return declared(key).stream().map(key::parse).toList();
  }

  /** Whether the user said something about the key. */
  public boolean isSet(ConfigKey<?> key) {
    return !declared(key).isEmpty();
  }

  private Optional<String> text(ConfigKey<?> key) {
    List<String> given = declared(key);
    return given.isEmpty() ? key.fallback() : Optional.of(given.get(0));
  }

  private List<String> declared(ConfigKey<?> key) {
    if (!keys.containsKey(key.name())) {
      throw new IllegalArgumentException("key " + key.name() + " is not one of this job's");
    }
    return texts.getOrDefault(key.name(), List.of());
  }

  /**
   * Every key with its text, defaults included, in the order of declaration: what was in effect.
   * Secrets among Spark's settings are hidden, for it is stored and shown.
   */
  public Map<String, List<String>> effective() {
    Map<String, List<String>> all = new LinkedHashMap<>();
    keys.forEach(
        (name, key) -> {
          List<String> values = new ArrayList<>(texts.getOrDefault(name, List.of()));
          if (values.isEmpty()) {
            key.fallback().ifPresent(values::add);
          }
          if (!values.isEmpty()) {
            all.put(name, values);
          }
        });
    return Secrets.hide(all);
  }
}
