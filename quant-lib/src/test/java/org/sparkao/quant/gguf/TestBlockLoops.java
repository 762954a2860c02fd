package org.sparkao.quant.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Loops on vectors give what plain loops give, ties, zeros and signs included. */
class TestBlockLoops {
  private final PlainBlockLoops plain = new PlainBlockLoops();

  @Test
  void vectorsGiveWhatPlainLoopsGive() {
    assumeTrue(VectorBlockLoops.supported());
    VectorBlockLoops vectors = new VectorBlockLoops();
    Random random = new Random(7);
    for (int trial = 0; trial < 300; trial++) {
      float[] x = new float[BlockLoops.SIZE + 3];
      for (int i = 0; i < x.length; i++) {
        // Halves and equal magnitudes of both signs are common.
        x[i] = trial % 3 == 0 ? random.nextInt(9) / 2f - 2 : (float) random.nextGaussian();
      }
      if (trial == 0) {
        x = new float[BlockLoops.SIZE + 3];
      }
      assertThat(vectors.extreme(x, 3)).isEqualTo(plain.extreme(x, 3));
      float factor = trial % 3 == 0 ? 1 : random.nextFloat() * 60 - 30;
      byte[] ours = new byte[40];
      byte[] theirs = new byte[40];
      vectors.nearestAway(x, 3, factor, ours, 5);
      plain.nearestAway(x, 3, factor, theirs, 5);
      assertThat(ours).isEqualTo(theirs);
      float inverse = -8 / (plain.extreme(x, 3) + 1e-9f);
      vectors.codes(x, 3, inverse, 8, ours);
      plain.codes(x, 3, inverse, 8, theirs);
      assertThat(ours).isEqualTo(theirs);
    }
  }

  /** Groups of zeros, constants, and values of all signs among them. */
  @Test
  void superBlocksOfVectorsAreThoseOfPlainLoops() {
    assumeTrue(VectorBlockLoops.supported());
    Random random = new Random(11);
    Map<Block, Block> pairs =
        Map.of(
            new OffsetSuperBlock(4, new VectorBlockLoops()),
            new OffsetSuperBlock(4, plain),
            new OffsetSuperBlock(5, new VectorBlockLoops()),
            new OffsetSuperBlock(5, plain),
            new SixBitSuperBlock(new VectorBlockLoops()),
            new SixBitSuperBlock(plain));
    for (int trial = 0; trial < 40; trial++) {
      float[] x = new float[259];
      for (int i = 0; i < x.length; i++) {
        int kind = (i / 16 + trial) % 7;
        float value = (float) random.nextGaussian() * (kind == 1 ? 1e-6f : 0.02f);
        x[i] = kind == 0 ? 0 : kind == 2 ? 0.5f : kind == 3 ? Math.abs(value) : value;
      }
      pairs.forEach(
          (vectors, loops) -> {
            byte[] ours = new byte[220];
            byte[] theirs = new byte[220];
            vectors.encode(x, 3, ours, 4);
            loops.encode(x, 3, theirs, 4);
            assertThat(ours).isEqualTo(theirs);
          });
    }
  }

  @Test
  void numbersOfSixteenBitsAreFiniteOrNot() {
    assumeTrue(VectorBlockLoops.supported());
    VectorBlockLoops vectors = new VectorBlockLoops();
    byte[] bytes = new byte[2 * 29];
    new Random(3).nextBytes(bytes);
    for (int i = 1; i < bytes.length; i += 2) {
      bytes[i] &= (byte) 0xBF;
    }
    for (int broken = -1; broken < 29; broken++) {
      byte[] changed = bytes.clone();
      if (broken >= 0) {
        changed[2 * broken] = (byte) 0x80;
        changed[2 * broken + 1] = 0x7F;
      }
      float[] ours = new float[31];
      float[] theirs = new float[31];
      assertThat(vectors.bf16(changed, 0, ours, 2, 29)).isEqualTo(broken < 0);
      assertThat(plain.bf16(changed, 0, theirs, 2, 29)).isEqualTo(broken < 0);
      assertThat(ours).isEqualTo(theirs);
    }
  }
}
