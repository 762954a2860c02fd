package org.sparkao.quant.format;

import java.util.List;
import org.sparkao.quant.format.BinaryFloat.Specials;

/** Every number format. A new one is a line here, and a class only if its mathematics is new. */
public final class NumberFormats {
  /** bfloat16: the upper half of an fp32 number. */
  public static final BinaryFloat BF16 = new BinaryFloat("bf16", 8, 7, Specials.IEEE);

  /** IEEE half precision. */
  public static final BinaryFloat FP16 = new BinaryFloat("fp16", 5, 10, Specials.IEEE);

  /** fp8 for weights and activations: largest 448, one NaN, no infinity. */
  public static final BinaryFloat E4M3FN = new BinaryFloat("e4m3fn", 4, 3, Specials.NAN_ONLY);

  /** fp8 for gradients: largest 57344. */
  public static final BinaryFloat E5M2 = new BinaryFloat("e5m2", 5, 2, Specials.IEEE);

  /** fp4: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives. */
  public static final BinaryFloat E2M1 = new BinaryFloat("e2m1", 2, 1, Specials.NONE);

  /** fp6, largest 28. */
  public static final BinaryFloat E3M2 = new BinaryFloat("e3m2", 3, 2, Specials.NONE);

  /** fp6, largest 7.5. */
  public static final BinaryFloat E2M3 = new BinaryFloat("e2m3", 2, 3, Specials.NONE);

  /** The scales of MX blocks. */
  public static final PowerOfTwo E8M0 = new PowerOfTwo();

  private static final List<NumberFormat> ALL =
      List.of(
          BF16,
          FP16,
          E4M3FN,
          E5M2,
          E2M1,
          E3M2,
          E2M3,
          E8M0,
          new TwosComplement(1),
          new TwosComplement(2),
          new TwosComplement(3),
          new TwosComplement(4),
          new TwosComplement(5),
          new TwosComplement(6),
          new TwosComplement(7),
          new TwosComplement(8));

  private NumberFormats() {}

  /** All formats, in the order of the documentation. */
  public static List<NumberFormat> all() {
    return ALL;
  }
}
