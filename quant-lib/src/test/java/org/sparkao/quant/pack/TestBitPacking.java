package org.sparkao.quant.pack;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.golden.GoldenFile.Tensor;

class TestBitPacking {

  /** Words worked out by hand in section 4.8 of the numerics notes. */
  @Test
  void byHand() {
    assertThat(words(4, -8, -7, -6, -5, -4, -3, -2, -1)).containsExactly(0x76543210);
    assertThat(words(4, 7, 6, 5, 4, 3, 2, 1, 0)).containsExactly(0x89ABCDEF);
    assertThat(words(8, -128, 127, 0, -1)).containsExactly(0x7F80FF00);
    int[] eights = new int[32];
    Arrays.setAll(eights, j -> j % 8 - 4);
    assertThat(words(3, eights)).containsExactly(0x88FAC688, 0xC688FAC6, 0xFAC688FA);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void equalsCompressedTensors(int bits) {
    Map<String, Tensor> golden =
        GoldenFile.read(GoldenFile.folder().resolve("schemes/packing.safetensors"));
    for (String size : new String[] {"33x3", "3x7", "4x64", "5x43"}) {
      String name = "b" + bits + "_" + size;
      Tensor codes = golden.get(name + ".codes");
      byte[] along = golden.get(name + ".packed_dim1").bytes();
      byte[] down = golden.get(name + ".packed_dim0").bytes();
      int rows = codes.shape().get(0).intValue();
      int columns = codes.shape().get(1).intValue();
      byte[] actualAlong = new byte[along.length];
      byte[] actualDown = new byte[down.length];
      for (int row = 0; row < rows; row++) {
        byte[] line = Arrays.copyOfRange(codes.bytes(), row * columns, (row + 1) * columns);
        int offset = row * (along.length / rows);
        BitPacking.packRow(line, columns, bits, 1 << bits - 1, actualAlong, offset);
        BitPacking.packColumns(line, columns, bits, row, actualDown, 0);
        byte[] unpacked = new byte[columns];
        BitPacking.unpackRow(along, offset, bits, 1 << bits - 1, unpacked, columns);
        assertThat(unpacked).as(name).isEqualTo(line);
        BitPacking.unpackColumns(down, 0, bits, row, unpacked, columns);
        assertThat(unpacked).as(name).isEqualTo(line);
      }
      assertThat(actualAlong).as(name).isEqualTo(along);
      assertThat(actualDown).as(name).isEqualTo(down);
    }
  }

  private static int[] words(int bits, int... codes) {
    byte[] bytes = new byte[codes.length];
    for (int j = 0; j < codes.length; j++) {
      bytes[j] = (byte) codes[j];
    }
    byte[] out = new byte[(int) (4 * BitPacking.words(codes.length, bits))];
    BitPacking.packRow(bytes, codes.length, bits, 1 << bits - 1, out, 0);
    int[] words = new int[out.length / 4];
    ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(words);
    return words;
  }
}
