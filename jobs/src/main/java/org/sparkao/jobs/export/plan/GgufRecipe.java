package org.sparkao.jobs.export.plan;

import java.util.Arrays;
import org.sparkao.quant.gguf.GgufType;

/**
 * Which type most tensors get, and with it which the others; the names of llama-quantize.
 *
 * <p>Source: llama.cpp's {@code llama_ftype} and the choices of its {@code llama-quant.cpp}.
 */
public enum GgufRecipe {
  F32(0, GgufType.F32),
  F16(1, GgufType.F16),
  Q4_0(2, GgufType.Q4_0),
  Q4_1(3, GgufType.Q4_1),
  Q8_0(7, GgufType.Q8_0),
  Q5_0(8, GgufType.Q5_0),
  Q5_1(9, GgufType.Q5_1),
  Q2_K(10, GgufType.Q2_K),
  Q3_K_S(11, GgufType.Q3_K),
  Q3_K_M(12, GgufType.Q3_K),
  Q4_K_S(14, GgufType.Q4_K),
  Q4_K_M(15, GgufType.Q4_K),
  Q5_K_S(16, GgufType.Q5_K),
  Q5_K_M(17, GgufType.Q5_K),
  Q6_K(18, GgufType.Q6_K),
  IQ4_NL(25, GgufType.IQ4_NL),
  IQ4_XS(30, GgufType.IQ4_XS),
  BF16(32, GgufType.BF16),
  TQ2_0(37, GgufType.TQ2_0);

  private final int number;
  private final GgufType type;

  GgufRecipe(int number, GgufType type) {
    this.number = number;
    this.type = type;
  }

  /** {@code general.file_type}. */
  public int number() {
    return number;
  }

  /** The type of most tensors. */
  public GgufType type() {
    return type;
  }

  /** Whether numbers are kept one by one. */
  public boolean plain() {
    return type.blockSize() == 1;
  }

  /** The recipe of this name, in any case. */
  public static GgufRecipe parse(String text) {
    return Arrays.stream(values())
        .filter(recipe -> recipe.name().equalsIgnoreCase(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("use one of " + Arrays.toString(values())));
  }
}
