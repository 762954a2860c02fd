package org.sparkao.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every driver that a machine may have, by a stand-in: {@code src/test/fake-driver}. Where there is
 * no GPU it also runs the tests of the device layer, through JCuda and JNA as they are.
 */
class TestWithFakeDriver {
  @TempDir static Path shared;

  private static Path driver;

  @BeforeAll
  static void compileTheDriver() throws IOException, InterruptedException {
    Assumptions.assumeTrue(runs("gcc", "--version"), "gcc is absent");
    driver = Files.createDirectory(shared.resolve("driver"));
    Path source =
        Path.of(System.getProperty("sparkao.root"), "gpu-executor/src/test/fake-driver/libcuda.c");
    assertThat(
            runs(
                "gcc",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-shared",
                "-fPIC",
                "-Wl,-soname,libcuda.so.1",
                "-o",
                driver.resolve("libcuda.so.1").toString(),
                source.toString()))
        .isTrue();
    // The stand-in knows its kernels by name; the code is any file that begins with F.
    Path kernels = Files.createDirectories(driver.resolve("org/sparkao/gpu/kernels"));
    Files.write(kernels.resolve("devicetest.fatbin"), "Fake".getBytes(StandardCharsets.UTF_8));
    Files.write(kernels.resolve("no_image.fatbin"), "None".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void passesTheTestsOfTheDeviceLayer() throws Exception {
    String output =
        start(
                driver,
                Map.of(),
                "org.sparkao.gpu.device.TestCudaDeviceOnGpu",
                "org.sparkao.gpu.module.TestLaunchOnGpu",
                "org.sparkao.gpu.executor.TestGpuExecutorOnGpu")
            .output();
    assertThat(output.lines().filter(line -> line.startsWith("passed "))).hasSizeGreaterThan(20);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "FAKE_DEVICES|1|CUDA 13.0",
        "FAKE_DEVICES|1|: cuda:0 (Fake GPU, sm_90)",
        "FAKE_DEVICES|2|cuda:0 (Fake GPU, sm_90), cuda:1 (Fake GPU, sm_90)",
        "FAKE_DEVICES|0|the NVIDIA driver sees no GPU; look at nvidia-smi",
        "FAKE_VERSION|12060|the NVIDIA driver supports CUDA 12.6, and the kernels of this build need 13.0 or later",
        "FAKE_VERSION|13020|CUDA 13.2",
        "FAKE_INIT|803|the NVIDIA driver does not start: cuInit says CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)",
        "FAKE_ARCH|75|cuda:0 (Fake GPU, sm_75) is too old: kernels need sm_80 or later; use --device cpu"
      })
  void saysWhatTheDriverSays(String variable, String value, String summary) throws Exception {
    List<String> lines = start(driver, Map.of(variable, value), "probe").output().lines().toList();
    assertThat(lines).hasSize(2).allSatisfy(line -> assertThat(line).contains(summary));
  }

  @Test
  void saysThatThereIsNoDriver() throws Exception {
    Path broken = Files.createTempDirectory(shared, "broken");
    Files.writeString(broken.resolve("libcuda.so.1"), "not a library, and longer than a header");
    assertThat(start(broken, Map.of(), "probe").output().lines())
        .hasSize(2)
        .allSatisfy(
            line ->
                assertThat(line)
                    .startsWith("no NVIDIA driver: libcuda.so.1 cannot be loaded (")
                    .endsWith("or use --device cpu"));
  }

  @Test
  void saysThatAllMemoryIsTaken() throws Exception {
    assertThat(start(driver, Map.of("FAKE_TAKEN", "1"), "allocate").output())
        .isEqualToIgnoringNewLines(
            "cuda:0 (Fake GPU, sm_90): 1,000 bytes wanted, and the device has not so much left (0"
                + " bytes in use by this JVM, 0 of 67,108,864 bytes of the device free); end other"
                + " programs on this GPU (nvidia-smi lists them), or use smaller slices");
  }

  @Test
  void saysThatTheKernelsAreForAnotherArchitecture() throws Exception {
    assertThat(start(driver, Map.of(), "load").output())
        .isEqualToIgnoringNewLines(
            "cuda:0 (Fake GPU, sm_90): loading the kernels of no_image failed with"
                + " CUDA_ERROR_NO_BINARY_FOR_GPU (209); the kernels of this build are for sm_90a,"
                + " and as PTX for sm_80 and later");
  }

  @Test
  void saysThatProductsNeedHopper() throws Exception {
    assertThat(start(driver, Map.of("FAKE_ARCH", "89"), "multiply").output())
        .isEqualToIgnoringNewLines(
            "cuda:0 (Fake GPU, sm_89): these matrix products are for sm_90 (H100, H200);"
                + " CudaGemms chooses the products that this device runs");
  }

  /** It has nine events, two slots of four and its own. */
  @ParameterizedTest
  @ValueSource(ints = {2, 6, 8})
  void givesBackWhatAWorkspaceTookThatCannotBeMade(int events) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("workspace"));
    arguments.addAll(Collections.nCopies(events, "event"));
    String output =
        start(
                driver,
                Map.of("FAKE_EVENTS", String.valueOf(events)),
                arguments.toArray(String[]::new))
            .output();
    assertThat(output.lines())
        .satisfiesExactly(
            line -> assertThat(line).contains("cuEventCreate failed with CUDA_ERROR_OUT_OF_MEMORY"),
            line -> assertThat(line).isEqualTo("0 bytes"));
  }

  /** AdamW takes 7,216 bytes twice, fakes 16 bytes twice. */
  @ParameterizedTest
  @CsvSource({
    "20, no memory, no memory",
    "10000, no memory, made",
    "20000, made, made",
  })
  void givesBackWhatConstructorsTookThatFail(int bytes, String adamW, String fakes)
      throws Exception {
    String output = start(driver, Map.of(), "tables", String.valueOf(bytes)).output();
    assertThat(output.lines()).containsExactly(adamW, fakes, "0 bytes");
  }

  @Test
  void letsManyStartTogether() throws Exception {
    Path temporaryFiles = Files.createTempDirectory(shared, "together");
    List<ChildJvm> children = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      children.add(ChildJvm.start(driver, temporaryFiles, Map.of(), List.of("probe")));
    }
    for (ChildJvm child : children) {
      assertThat(child.output()).startsWith("CUDA 13.0").contains("cuda:0");
    }
    try (Stream<Path> made = Files.list(temporaryFiles)) {
      List<Path> folders = made.toList();
      assertThat(folders).hasSize(1);
      try (Stream<Path> libraries = Files.list(folders.get(0))) {
        assertThat(libraries.map(file -> file.getFileName().toString()))
            .containsExactlyInAnyOrder(
                "libjnidispatch.so", "libJCudaDriver-12.6.0-linux-x86_64.so");
      }
    }
  }

  private static ChildJvm start(Path driver, Map<String, String> environment, String... arguments)
      throws IOException {
    Path temporaryFiles = Files.createTempDirectory(shared, "tmp");
    return ChildJvm.start(driver, temporaryFiles, environment, List.of(arguments));
  }

  private static boolean runs(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
