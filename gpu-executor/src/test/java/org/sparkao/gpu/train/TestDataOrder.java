package org.sparkao.gpu.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TestDataOrder {
  @Test
  void everyEpochHasEveryItemOnce() {
    DataOrder order = new DataOrder(7, 13);
    int[] first = order.items(0, 13);
    int[] second = order.items(13, 13);
    for (int[] epoch : new int[][] {first, second}) {
      assertThat(Arrays.stream(epoch).sorted())
          .containsExactlyElementsOf(IntStream.range(0, 13).boxed().toList());
    }
    assertThat(second).isNotEqualTo(first);
  }

  @Test
  void itemsFollowFromPlaceAndSeedAlone() {
    int[] all = new DataOrder(7, 13).items(0, 60);
    assertThat(new DataOrder(7, 13).items(31, 20)).isEqualTo(Arrays.copyOfRange(all, 31, 51));
    assertThat(new DataOrder(8, 13).items(0, 60)).isNotEqualTo(all);
  }

  @Test
  void nothingCannotBeTrainedOn() {
    assertThatThrownBy(() -> new DataOrder(1, 0))
        .hasMessage("there is nothing to train on: 0 items");
  }
}
