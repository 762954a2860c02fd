package org.sparkao.gpu.model.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.model.LinearWeight;

/** Which linear layers share a product, and what of packed weights stands where. */
class TestStack {
  @Test
  void layersAlikeShareAProduct() {
    List<Stack> stacks = Stack.of(weights("FP8_DYNAMIC", 64, 192, 64, 64));
    assertThat(stacks).hasSize(1);
    assertThat(stacks.get(0).rows()).isEqualTo(320);
  }

  @Test
  void layersOfOtherFormsDoNot() {
    List<LinearWeight> mixed = new ArrayList<>(weights("FP8_DYNAMIC", 64, 64, 64));
    mixed.addAll(weights("plain", 64, 32));
    assertThat(Stack.of(mixed)).extracting(Stack::rows).containsExactly(128, 32);
  }

  @Test
  void blocksAndWordsOfZeroPointsStayWhole() {
    assertThat(Stack.of(weights("FP8_BLOCK", 128, 256, 128, 64))).hasSize(1);
    assertThat(Stack.of(weights("FP8_BLOCK", 128, 192, 64))).hasSize(2);
    assertThat(Stack.of(weights("W4A16_ASYM(group_size=32)", 64, 104, 20))).hasSize(1);
    assertThat(Stack.of(weights("W4A16_ASYM(group_size=32)", 64, 20, 104))).hasSize(2);
  }

  @Test
  void gateAndUpArePadded() {
    Stack stack = Stack.ofGate(weights("plain", 64, 172, 172)).get(0);
    assertThat(stack.rowsOf(stack.members().get(0))).isEqualTo(176);
    assertThat(stack.paddedRows()).isEqualTo(352);
  }

  /** Groups of 96 columns are three of 32: the scale of each stands there three times. */
  @Test
  void scalesOfLongGroupsAreRepeated() {
    LinearWeight weight = weights("W4A16(group_size=96)", 192, 16).get(0);
    Stack stack = Stack.of(List.of(weight)).get(0);
    ByteBuffer stored = HostNumbers.stored(StackLoader.quantized(weight).parts().get(1));
    ByteBuffer scales = new Int4Rows(stack, stack.members(), 32).scales();
    assertThat(scales.remaining()).isEqualTo(2 * 6 * 32);
    for (int row = 0; row < 32; row++) {
      for (int group = 0; group < 6; group++) {
        short expected = row < 16 ? stored.getShort(2 * (2 * row + group / 3)) : 0;
        assertThat(scales.getShort(2 * (6 * row + group))).isEqualTo(expected);
      }
    }
  }

  private static List<LinearWeight> weights(String scheme, int k, int... rows) {
    List<LinearWeight> all = new ArrayList<>();
    for (int n : rows) {
      all.add(ProjectionCase.of(scheme, n, k, false, n).weight());
    }
    return all;
  }
}
