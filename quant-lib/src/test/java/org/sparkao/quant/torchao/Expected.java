package org.sparkao.quant.torchao;

import static org.assertj.core.api.Assertions.assertThat;

import org.sparkao.quant.format.BinaryFloat;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.safetensors.DType;

/** Compares what this library makes of a tensor with the bytes that torchao wrote. */
final class Expected {
  private Expected() {}

  static void check(TorchaoSpec spec, Golden golden, String name, TorchaoTensor result) {
    Golden.Matrix scale = golden.get(name + ".scale");
    if (scale.dtype() == DType.U8 || scale.dtype() == DType.F8_E4M3) {
      assertThat(result.scaleCodes()).as(name + " scale").isEqualTo(scale.bytes());
    } else {
      assertThat(result.scales()).as(name + " scale").isEqualTo(scale.floats());
    }
    if (golden.has(name + ".zero_point")) {
      float[] zeros = golden.get(name + ".zero_point").floats();
      assertThat(result.zeroPoints()).as(name + " zero_point").isEqualTo(zeros);
    }
    checkCodes(spec, golden.get(name + ".qdata"), name, result.codes());
    if (golden.has(name + ".dequant")) {
      float[] dequantized = golden.get(name + ".dequant").floats();
      assertThat(result.dequantized()).as(name + " dequant").isEqualTo(dequantized);
    }
  }

  static void checkCodes(TorchaoSpec spec, Golden.Matrix golden, String name, byte[] codes) {
    byte[] expected = golden.bytes();
    byte[] actual = expected.length == codes.length ? codes : nibblePairs(codes);
    assertThat(actual).as(name + " qdata").hasSameSizeAs(expected);
    BinaryFloat format = format(golden.dtype());
    for (int i = 0; i < expected.length; i++) {
      if (format != null && Float.isNaN(format.decode(expected[i]))) {
        assertThat(format.decode(actual[i])).as("%s qdata[%d]", name, i).isNaN();
      } else if (expected[i] != actual[i]) {
        assertThat(actual[i]).as("%s qdata[%d] under %s", name, i, spec).isEqualTo(expected[i]);
      }
    }
  }

  static byte[] nibblePairs(byte[] codes) {
    byte[] pairs = new byte[codes.length / 2];
    for (int i = 0; i < pairs.length; i++) {
      pairs[i] = (byte) (codes[2 * i] & 15 | codes[2 * i + 1] << 4);
    }
    return pairs;
  }

  private static BinaryFloat format(DType dtype) {
    return switch (dtype) {
      case F8_E4M3 -> NumberFormats.E4M3FN;
      case F8_E5M2 -> NumberFormats.E5M2;
      default -> null;
    };
  }
}
