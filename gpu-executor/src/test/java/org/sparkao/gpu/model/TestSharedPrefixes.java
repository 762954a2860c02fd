package org.sparkao.gpu.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is packed once, by hand; and that every token is where it is said to be. */
class TestSharedPrefixes {
  private static final int[] QUESTION = IntStream.range(100, 110).toArray();

  @Test
  void answersGoOnFromOneQuestion() {
    SharedPrefixes.Packed packed =
        SharedPrefixes.pack(List.of(with(1, 2), with(3), with(), with(1, 5, 6)));
    PackedTokens tokens = packed.tokens();
    assertThat(tokens.ids())
        .containsExactly(100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 1, 2, 3, 1, 5, 6);
    assertThat(tokens.positions())
        .containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 10, 10, 11, 12);
    assertThat(tokens.boundaries()).containsExactly(0, 10, 12, 13, 16);
    assertThat(tokens.prefixes()).containsExactly(0, 0, 0, 10, 0, 10, 0, 10);
    assertThat(tokens.longest()).isEqualTo(10);
    assertThat(packed.rows()[2]).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    assertThat(packed.rows()[3]).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15);
  }

  @Test
  void anotherQuestionIsAnotherPrefix() {
    int[] other = QUESTION.clone();
    other[8] = 7;
    SharedPrefixes.Packed packed = SharedPrefixes.pack(List.of(with(1), with(2), other, other));
    // Eight tokens saved three times are more than ten saved once.
    assertThat(packed.tokens().boundaries()).containsExactly(0, 8, 11, 14, 16, 18);
    assertThat(packed.tokens().prefixes()).containsExactly(0, 0, 0, 8, 0, 8, 0, 8, 0, 8);
    other[2] = 7;
    packed = SharedPrefixes.pack(List.of(with(1), with(2), other, other));
    assertThat(packed.tokens().boundaries()).containsExactly(0, 10, 11, 12, 22);
    assertThat(packed.tokens().prefixes()).containsExactly(0, 0, 0, 10, 0, 10, 0, 0);
  }

  @Test
  void whatSharesLittleIsPackedAsItIs() {
    List<int[]> sequences = List.of(new int[] {1, 2, 3}, new int[] {1, 2, 3, 4}, QUESTION);
    PackedTokens tokens = SharedPrefixes.pack(sequences).tokens();
    PackedTokens plain = PackedTokens.of(sequences, new int[3]);
    assertThat(tokens.ids()).isEqualTo(plain.ids());
    assertThat(tokens.boundaries()).isEqualTo(plain.boundaries());
    assertThat(tokens.prefixes()).isEmpty();
  }

  @Test
  void everyTokenIsThereWithItsPosition() {
    Random random = new Random(1);
    List<int[]> sequences =
        IntStream.range(0, 200)
            .mapToObj(i -> random.ints(1 + random.nextInt(40), 0, 1 + i / 199).toArray())
            .toList();
    SharedPrefixes.Packed packed = SharedPrefixes.pack(sequences);
    assertThat(packed.tokens().tokens())
        .isLessThan(sequences.stream().mapToInt(ids -> ids.length).sum());
    for (int i = 0; i < sequences.size(); i++) {
      int[] ids = sequences.get(i);
      int[] rows = packed.rows()[i];
      assertThat(rows).hasSameSizeAs(ids);
      for (int position = 0; position < ids.length; position++) {
        assertThat(packed.tokens().ids()[rows[position]]).isEqualTo(ids[position]);
        assertThat(packed.tokens().positions()[rows[position]]).isEqualTo(position);
      }
    }
  }

  private static int[] with(int... answer) {
    return IntStream.concat(IntStream.of(QUESTION), IntStream.of(answer)).toArray();
  }
}
