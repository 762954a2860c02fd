package org.sparkao.gpu.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Headers that nvcc 13.0 wrote for an empty kernel, with the options of build-kernels.sh. */
class TestFatBinary {
  private static final String FILE = "50ed55ba010010000804000000000000";
  private static final String MACHINE_CODE =
      "020001014000000018030000000000001503000000000000080001005a000000";
  private static final int MACHINE_CODE_BYTES = 856;
  private static final String PTX =
      "010001015000000060000000000000005c000000400000000000090050000000";
  private static final int PTX_BYTES = 176;

  private static byte[] file() {
    ByteBuffer file = ByteBuffer.allocate(16 + MACHINE_CODE_BYTES + PTX_BYTES);
    file.put(HexFormat.of().parseHex(FILE));
    file.put(16, HexFormat.of().parseHex(MACHINE_CODE));
    file.put(16 + MACHINE_CODE_BYTES, HexFormat.of().parseHex(PTX));
    return file.array();
  }

  @Test
  void tellsTheArchitectures() {
    assertThat(FatBinary.architectures(file())).containsExactly("sm_90", "compute_80");
  }

  @Test
  void otherBytesAreRefused() {
    assertThatThrownBy(() -> FatBinary.architectures(new byte[100]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no fat binary: 100 bytes");
    assertThatThrownBy(() -> FatBinary.architectures(new byte[0]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** The list of operations is that of the folders with sources. */
  @Test
  void everyOperationIsListed() throws Exception {
    Path sources = Path.of(System.getProperty("sparkao.root"), "gpu-executor/src/main/cuda");
    try (Stream<Path> folders = Files.list(sources)) {
      List<String> operations =
          folders
              .filter(folder -> Files.exists(folder.resolve(folder.getFileName() + ".cu")))
              .map(folder -> folder.getFileName().toString())
              .sorted()
              .toList();
      assertThat(KernelLibrary.operations()).isEqualTo(operations);
    }
  }

  @Test
  void whatIsNotBuiltHasNoArchitectures() {
    assertThat(KernelLibrary.architectures("no_such_op")).isEmpty();
  }
}
