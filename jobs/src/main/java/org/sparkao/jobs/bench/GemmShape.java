package org.sparkao.jobs.bench;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A weight.
 *
 * @param n rows
 * @param k columns
 */
record GemmShape(int n, int k) {
  /** The projections of Llama-3 8B and 70B: o, qkv, gate and up, down. */
  static final List<GemmShape> LLAMA =
      List.of(
          new GemmShape(4096, 4096),
          new GemmShape(6144, 4096),
          new GemmShape(28672, 4096),
          new GemmShape(4096, 14336),
          new GemmShape(8192, 8192),
          new GemmShape(10240, 8192),
          new GemmShape(57344, 8192),
          new GemmShape(8192, 28672));

  private static final Pattern TEXT = Pattern.compile("([1-9]\\d{0,5})x([1-9]\\d{0,5})");

  /** Such as 4096x14336. */
  static GemmShape parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("use NxK, rows and columns of the weight: 4096x14336");
    }
    return new GemmShape(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
  }

  @Override
  public String toString() {
    return n + "x" + k;
  }
}
