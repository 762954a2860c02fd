package org.sparkao.gpu.gemm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Assumptions;

/**
 * The host rules of the kernels, compiled by g++ and asked: {@code src/test/host-rules}. Its lines
 * are {@code rule numbers = decision}.
 */
public final class HostRules {
  private HostRules() {}

  /** A decision of C++. */
  public record Decision(String rule, int[] of, String decision) {
    private static Decision parse(String line) {
      String[] sides = line.split(" = ");
      String[] words = sides[0].split(" ");
      return new Decision(
          words[0], Arrays.stream(words).skip(1).mapToInt(Integer::parseInt).toArray(), sides[1]);
    }
  }

  /** Compiles a program of the folder and runs it; the test is skipped where there is no g++. */
  public static List<Decision> decisions(Path folder, String program)
      throws IOException, InterruptedException {
    Assumptions.assumeTrue(runs("g++", "--version"), "g++ is absent");
    Path module = Path.of(System.getProperty("sparkao.root"), "gpu-executor");
    Path binary = folder.resolve(program);
    assertThat(
            runs(
                "g++",
                "-std=c++17",
                "-O1",
                "-Wno-unknown-pragmas",
                "-I" + module.resolve("src/main/cuda"),
                "-o",
                binary.toString(),
                module.resolve("src/test/host-rules").resolve(program + ".cpp").toString()))
        .isTrue();
    Process process = new ProcessBuilder(binary.toString()).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    return output.lines().map(Decision::parse).toList();
  }

  /** Java decides alike, in every line of a rule, of which there are many. */
  public static void assertSame(
      List<Decision> decisions, String rule, int atLeast, Function<int[], Object> java) {
    List<Decision> ofRule = decisions.stream().filter(d -> d.rule().equals(rule)).toList();
    assertThat(ofRule).hasSizeGreaterThanOrEqualTo(atLeast);
    assertThat(ofRule)
        .allSatisfy(
            d ->
                assertThat(String.valueOf(java.apply(d.of())))
                    .as("%s %s", rule, Arrays.toString(d.of()))
                    .isEqualTo(d.decision()));
  }

  private static boolean runs(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
