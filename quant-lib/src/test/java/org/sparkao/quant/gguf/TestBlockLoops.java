package org.sparkao.quant.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Loops on vectors give what plain loops give, ties, zeros and signs included. */
class TestBlockLoops {
  private final PlainBlockLoops plain = new PlainBlockLoops();

  @Test
  void vectorsGiveWhatPlainLoopsGive() {
    assumeTrue(VectorBlockLoops.supported());
    Random random = new Random(7);
    Map<Block, Block> pairs =
        Map.of(
            new ByteBlock(new VectorBlockLoops()),
            new ByteBlock(plain),
            new SymmetricBlock(4, new VectorBlockLoops()),
            new SymmetricBlock(4, plain),
            new SymmetricBlock(5, new VectorBlockLoops()),
            new SymmetricBlock(5, plain));
    for (int trial = 0; trial < 400; trial++) {
      float[] x = new float[BlockRun.SIZE + 3];
      for (int i = 0; i < x.length; i++) {
        // Halves and equal magnitudes of both signs are common.
        x[i] = trial % 3 == 0 ? random.nextInt(9) / 2f - 2 : (float) random.nextGaussian();
      }
      special(trial, x);
      pairs.forEach(
          (vectors, loops) -> {
            byte[] ours = new byte[40];
            byte[] theirs = new byte[40];
            vectors.encode(x, 3, ours, 5);
            loops.encode(x, 3, theirs, 5);
            assertThat(ours).isEqualTo(theirs);
          });
    }
  }

  /** Zeros of both signs, numbers of one sign, and too small ones. */
  private static void special(int trial, float[] x) {
    for (int i = 0; i < x.length; i++) {
      x[i] =
          switch (trial) {
            case 1 -> 0f;
            case 2 -> -0f;
            case 3 -> i % 5 == 0 ? -0f : 0f;
            case 4 -> -Math.abs(x[i]);
            case 5 -> Math.abs(x[i]);
            case 6 -> x[i] * 1e-41f;
            case 7 -> x[i] * 1e-37f;
            case 8 -> x[i] * 1e30f;
            default -> x[i];
          };
    }
  }

  /** As ggml_quantize_chunk of llama.cpp 0.5.0 on x86 says of numbers around 1e-41. */
  @ParameterizedTest
  @EnumSource(
      value = GgufType.class,
      names = {"Q8_0", "Q4_0", "Q5_0"})
  void scalesWithoutReciprocalLeaveZeros(GgufType type) {
    float[] x = new float[BlockRun.SIZE];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i - 20) * 1e-42f;
    }
    byte[] out = new byte[type.blockBytes()];
    Arrays.fill(out, (byte) 1);
    type.encoder().encode(x, x.length, out);
    assertThat(Arrays.copyOfRange(out, 2, out.length)).containsOnly(0);
  }

  @ParameterizedTest
  @EnumSource(
      value = GgufType.class,
      names = {"Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q6_K"})
  void blocksDoNotDependOnTheirNeighbours(GgufType type) {
    Random random = new Random(5);
    float[] x = new float[256 * 19];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian() * 0.02f;
    }
    RowEncoder encoder = type.encoder();
    byte[] all = new byte[Math.toIntExact(type.bytes(x.length))];
    assertThat(encoder.encode(x, x.length, all)).isEqualTo(all.length);
    for (int block = 0; block < x.length / type.blockSize(); block++) {
      int begin = block * type.blockSize();
      float[] one = Arrays.copyOfRange(x, begin, begin + type.blockSize());
      byte[] alone = new byte[type.blockBytes()];
      encoder.encode(one, one.length, alone);
      int at = block * type.blockBytes();
      assertThat(Arrays.copyOfRange(all, at, at + alone.length)).isEqualTo(alone);
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
