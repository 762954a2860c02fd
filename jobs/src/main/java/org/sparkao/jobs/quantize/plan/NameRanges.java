package org.sparkao.jobs.quantize.plan;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Many names said shortly: those that differ in numbers only become one, {@code
 * model.layers.{0-29}.mlp.up_proj}. Names no module that is not meant: when the numbers of a name
 * do not make a full grid, the names are listed one by one.
 */
final class NameRanges {
  private static final Pattern NUMBER = Pattern.compile("(?<=\\.)\\d{1,9}(?=\\.)");

  private NameRanges() {}

  static String of(List<String> names) {
    Map<String, List<String>> shapes = new LinkedHashMap<>();
    names.forEach(name -> shapes.computeIfAbsent(shape(name), s -> new ArrayList<>()).add(name));
    List<String> texts = new ArrayList<>();
    shapes.forEach((shape, alike) -> texts.addAll(shorten(alike)));
    return String.join(", ", texts);
  }

  /** The name with every number left out: equal for names that differ in numbers only. */
  static String shape(String name) {
    return NUMBER.matcher(name).replaceAll("#");
  }

  private static List<String> shorten(List<String> names) {
    if (names.size() == 1) {
      return names;
    }
    List<TreeSet<Integer>> seen = new ArrayList<>();
    for (String name : names) {
      Matcher numbers = NUMBER.matcher(name);
      for (int i = 0; numbers.find(); i++) {
        if (seen.size() == i) {
          seen.add(new TreeSet<>());
        }
        seen.get(i).add(Integer.valueOf(numbers.group()));
      }
    }
    long grid = seen.stream().mapToLong(TreeSet::size).reduce(1, (a, b) -> a * b);
    if (grid != names.stream().distinct().count()) {
      return names;
    }
    int[] at = {0};
    return List.of(NUMBER.matcher(names.get(0)).replaceAll(match -> ranges(seen.get(at[0]++))));
  }

  private static String ranges(TreeSet<Integer> numbers) {
    if (numbers.size() == 1) {
      return numbers.first().toString();
    }
    List<String> ranges = new ArrayList<>();
    Integer begin = null;
    Integer last = null;
    for (Integer number : numbers) {
      if (begin == null || number != last + 1) {
        if (begin != null) {
          ranges.add(range(begin, last));
        }
        begin = number;
      }
      last = number;
    }
    ranges.add(range(begin, last));
    return "{" + String.join(",", ranges) + "}";
  }

  private static String range(int begin, int last) {
    return begin == last ? Integer.toString(begin) : begin + "-" + last;
  }
}
