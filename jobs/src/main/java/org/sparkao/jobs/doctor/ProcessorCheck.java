package org.sparkao.jobs.doctor;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkao.jobs.job.Texts;

/**
 * Processor and memory.
 *
 * @param architecture Java's name of it
 * @param extensions flags that Linux shows
 * @param cores processors that this JVM may use
 * @param memoryBytes memory of the machine, or of the container
 */
record ProcessorCheck(String architecture, Set<String> extensions, int cores, long memoryBytes)
    implements Check {
  private static final List<String> VECTORS =
      List.of("avx2", "fma", "f16c", "avx512f", "asimd", "sve");
  private static final List<String> WIDE = List.of("avx2", "sve");
  private static final long SMALL_MEMORY = 4L << 30;

  static ProcessorCheck ofThis() throws IOException {
    Path file = Path.of("/proc/cpuinfo");
    Set<String> flags = Files.isReadable(file) ? flags(Files.readAllLines(file)) : Set.<String>of();
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    return new ProcessorCheck(
        System.getProperty("os.arch"),
        flags,
        Runtime.getRuntime().availableProcessors(),
        system.getTotalMemorySize());
  }

  /** The extensions of the first processor, as x86 and Arm tell them. */
  static Set<String> flags(List<String> cpuinfo) {
    return cpuinfo.stream()
        .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
        .findFirst()
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .map(flags -> Arrays.stream(flags.split("\\s+")).collect(Collectors.toSet()))
        .orElse(Set.of());
  }

  @Override
  public String subject() {
    return "processor";
  }

  @Override
  public List<Finding> look() {
    String vectors = VECTORS.stream().filter(extensions::contains).collect(Collectors.joining(" "));
    String seen =
        architecture + ", " + (vectors.isEmpty() ? "no vectors" : vectors) + ", cores: " + cores;
    Finding processor =
        WIDE.stream().anyMatch(extensions::contains)
            ? Finding.ok(subject(), seen)
            : Finding.warn(
                subject(),
                seen,
                "on a processor without vectors of 256 bits the plain loops run, with the same bytes"
                    + " at about a sixth of the speed; use one with AVX2, or GPUs");
    String memory = Texts.bytes(memoryBytes);
    return List.of(
        processor,
        memoryBytes < SMALL_MEMORY
            ? Finding.warn(
                "memory",
                memory,
                "take a machine or container with 4 GB or more, or fewer tasks at a time"
                    + " (--master 'local[1]')")
            : Finding.ok("memory", memory));
  }
}
