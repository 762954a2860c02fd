package org.sparkao.quant.llamacpp;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkao.quant.QuantException;

/**
 * Names of a model in several files, {@code NAME-00001-of-00003.gguf}, as llama.cpp numbers them.
 *
 * <p>Source: llama.cpp, {@code llama_split_path}.
 */
public final class Splits {
  /** Keys of the metadata, in the order of {@code llama-gguf-split}. */
  public static final String NUMBER = "split.no";

  /** How many files there are. */
  public static final String COUNT = "split.count";

  /** How many tensors all of them have. */
  public static final String TENSORS = "split.tensors.count";

  private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  private Splits() {}

  /** The name of file {@code index}, counted from 0, of a model called {@code name}. */
  public static String name(String name, int index, int count) {
    String stem = name.endsWith(".gguf") ? name.substring(0, name.length() - 5) : name;
    return String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", stem, index + 1, count);
  }

  /** The name of the model that a file belongs to: {@link #name} undone, others as they are. */
  public static String whole(String name) {
    Matcher split = NAME.matcher(name);
    return split.matches() ? split.group(1) + ".gguf" : name;
  }

  /**
   * All files of a model.
   *
   * @param name of the first, or of the only one
   * @param present names of files of its folder
   * @throws QuantException when it is not the first, or others are missing
   */
  static List<String> all(String location, String name, Set<String> present) {
    if (!present.contains(name)) {
      throw new QuantException(location + "/" + name + ": there is no such file; check the path");
    }
    Matcher split = NAME.matcher(name);
    if (!split.matches()) {
      return List.of(name);
    }
    int count = Integer.parseInt(split.group(3));
    if (Integer.parseInt(split.group(2)) != 1 || count < 1) {
      throw new QuantException(
          location
              + "/"
              + name
              + ": is one of "
              + count
              + " files; name the first, "
              + name(split.group(1), 0, count));
    }
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String part = name(split.group(1), i, count);
      if (!present.contains(part)) {
        throw new QuantException(
            location
                + "/"
                + part
                + ": is missing, one of "
                + count
                + " files of the model; download all of them");
      }
      names.add(part);
    }
    return names;
  }
}
