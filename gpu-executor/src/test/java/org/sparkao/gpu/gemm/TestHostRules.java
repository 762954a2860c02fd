package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Java and the headers of the kernels decide alike, and as the READMEs have measured. */
class TestHostRules {
  @TempDir Path folder;

  @Test
  void int4AndPrefillDecideAsTheKernelsSay() throws IOException, InterruptedException {
    List<HostRules.Decision> decisions = HostRules.decisions(folder, "rules");
    HostRules.assertSame(decisions, "int4_block", 6, of -> Int4Tiles.blockBytes(of[0], of[1] == 1));
    HostRules.assertSame(
        decisions, "prefill_block", 1, of -> PrefillTiles.bytes(1, 16, ElementType.E4M3));
    HostRules.assertSame(
        decisions,
        "int4_split",
        400,
        of -> {
          Int4Split split = Int4Split.of(of[0], of[1]);
          return split.split() + " " + split.blocks();
        });
    HostRules.assertSame(decisions, "int4_most_blocks", 5, of -> Int4Tiles.mostBlocks(of[0]));
    HostRules.assertSame(decisions, "int4_shared_bytes", 5, of -> Int4Tiles.sharedBytes(of[0]));
    HostRules.assertSame(
        decisions,
        "prefill_width",
        1440,
        of -> PrefillWidth.of(of[0], of[1], of[2] == 1, of[3]).columns());
  }

  @Test
  void sparseDecidesAsTheKernelsSay() throws IOException, InterruptedException {
    List<HostRules.Decision> decisions = HostRules.decisions(folder, "sparse");
    HostRules.assertSame(
        decisions,
        "sparse_block",
        2,
        of -> SparseTiles.bytes(1, 16, of[0] == 1 ? ElementType.E4M3 : ElementType.BF16));
    HostRules.assertSame(decisions, "sparse_kept", 16, of -> kept(of[0]));
    HostRules.assertSame(
        decisions, "sparse_value", 512, of -> SparsePacking.valuePlace(of[0], of[1]));
    HostRules.assertSame(
        decisions,
        "sparse_metadata",
        1024,
        of -> SparsePacking.nibble(of[0], of[1], of[2] * 32 / of[0]) / 2);
    HostRules.assertSame(
        decisions, "sparse_width", 429, of -> SparseWidth.of(of[0], of[1], of[2]).rows());
  }

  /** As a nibble; 0 where more than two are numbers. */
  private static int kept(int mask) {
    int[] places = SparsePacking.places(mask);
    return Integer.bitCount(mask) > 2 ? 0 : places[0] | places[1] << 2;
  }

  @Test
  void decodeDecidesAsTheKernelsSay() throws IOException, InterruptedException {
    List<HostRules.Decision> decisions = HostRules.decisions(folder, "decode");
    HostRules.assertSame(
        decisions,
        "shared",
        4536,
        of -> DecodeLayout.sharedBytes(of[0], of[1], of[2], of[3], of[4], of[5]));
    HostRules.assertSame(
        decisions,
        "tiling",
        1568,
        of -> {
          DecodeTiling tiling = DecodeTiling.choose(of[0], of[1], of[2], card(of[3], of[4]));
          return "h"
              + tiling.tileRows()
              + " c"
              + tiling.split()
              + " busiest "
              + tiling.busiestRows();
        });
    HostRules.assertSame(
        decisions,
        "discarded",
        1568,
        of ->
            DecodeTiling.enumerate(of[0], of[1], of[2], card(of[3], of[4])).stream()
                .filter(tiling -> !tiling.discarded().isEmpty())
                .count());
    HostRules.assertSame(decisions, "launch", 28224, TestHostRules::launch);
    assertThat(decisions).noneMatch(decision -> decision.decision().contains(" s0 "));
  }

  private static DecodeTiling.Card card(int multiprocessors, int memory) {
    return new DecodeTiling.Card(multiprocessors, memory);
  }

  private static String launch(int[] of) {
    DecodeTiling tiling = DecodeTiling.choose(of[1], of[2], of[3], card(of[5], of[6]));
    DecodeLaunch launch =
        DecodeLaunch.choose(tiling, new DecodeLaunch.Size(of[0], of[1], of[2], of[3], of[4] == 1));
    return launch + " " + launch.sharedBytes();
  }

  @Test
  void int4SplitsAsMeasured() {
    assertThat(Int4Split.of(8192, 8192).split()).isEqualTo(4);
    assertThat(Int4Split.of(10240, 8192).split()).isEqualTo(3);
    assertThat(Int4Split.of(57344, 8192)).hasToString("s1: 896 tiles, rounds of single blocks");
    assertThat(Int4Split.of(8192, 28672)).hasToString("s8: shares of 56 blocks are long");
    assertThat(Int4Split.of(4096, 4096)).hasToString("s8: 64 tiles, one round, 5 blocks each");
    assertThat(Int4Split.of(4096, 14336).split()).isEqualTo(8);
    assertThat(Int4Split.of(6144, 4096).blocks()).isEqualTo(4);
    assertThat(Int4Split.of(28672, 4096)).hasToString("s2: 448 tiles would not fill a round");
  }

  @Test
  void prefillTakesTheFasterWidth() {
    assertThat(PrefillWidth.of(2048, 4096, false, 132))
        .hasToString("n128: 4 waves of 128 cost 564, 3 of 192 576");
    assertThat(PrefillWidth.of(2048, 4096, true, 132).columns()).isEqualTo(192);
    assertThat(PrefillWidth.of(4096, 8192, false, 132).columns()).isEqualTo(192);
    assertThat(PrefillWidth.of(4096, 8192, true, 132).columns()).isEqualTo(192);
  }
}
