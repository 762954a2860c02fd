package org.sparkao.quant.llamacpp;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.gguf.GgufValue;

/**
 * The metadata of a file by key and kind.
 *
 * @param location of the file, for messages
 * @param values by key
 */
record Metadata(String location, Map<String, GgufValue> values) {
  private static final String AGAIN = "; download or convert it again";

  Optional<String> text(String key) {
    return content(key, String.class);
  }

  Optional<Boolean> flag(String key) {
    return content(key, Boolean.class);
  }

  /** A number with a fraction. */
  Optional<Double> number(String key) {
    return content(key, Double.class);
  }

  /** A whole number. */
  Optional<Long> whole(String key) {
    return content(key, Long.class);
  }

  /** A whole number from 1 on that must be there. */
  int size(String key) {
    long size = whole(key).orElseThrow(() -> refused(key + " is missing" + AGAIN));
    if (size < 1 || size > Integer.MAX_VALUE) {
      throw refused(key + " is " + size + ", no size" + AGAIN);
    }
    return (int) size;
  }

  /** The elements of an array; empty when it is not there. */
  <T> List<T> list(String key, Class<T> type) {
    Optional<List<?>> list = content(key, List.class).map(elements -> (List<?>) elements);
    if (list.orElse(List.of()).stream().anyMatch(element -> !type.isInstance(element))) {
      throw refused(key + " holds other things than " + type.getSimpleName() + AGAIN);
    }
    return list.orElse(List.of()).stream().map(type::cast).toList();
  }

  private <T> Optional<T> content(String key, Class<T> type) {
    Optional<Object> content = Optional.ofNullable(values.get(key)).map(GgufValue::content);
    if (content.isPresent() && !type.isInstance(content.get())) {
      throw refused(key + " is no " + type.getSimpleName() + AGAIN);
    }
    return content.map(type::cast);
  }

  QuantException refused(String what) {
    return new QuantException(location + ": " + what);
  }
}
