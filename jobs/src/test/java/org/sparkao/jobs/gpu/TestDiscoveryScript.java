package org.sparkao.jobs.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code conf/gpu-discovery.sh} with an nvidia-smi that says what it is told. */
class TestDiscoveryScript {
  private static final Path SCRIPT =
      Path.of(System.getProperty("sparkao.root"), "conf", "gpu-discovery.sh");

  @TempDir private Path temp;

  private record Ended(int code, String out, String err) {}

  private Ended discover(String nvidiaSmi, Map<String, String> environment)
      throws IOException, InterruptedException {
    Path smi = temp.resolve("nvidia-smi");
    Files.deleteIfExists(smi);
    Files.createFile(
        smi, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    Files.writeString(smi, "#!/bin/sh\n" + nvidiaSmi + "\n");
    ProcessBuilder builder = new ProcessBuilder(SCRIPT.toString());
    builder.environment().remove("CUDA_VISIBLE_DEVICES");
    builder.environment().putAll(environment);
    builder.environment().put("PATH", temp + ":" + System.getenv("PATH"));
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), out.strip(), err.strip());
  }

  @Test
  void listsTheGpus() throws Exception {
    assertThat(discover("printf '0\\n1\\n'", Map.of()).out())
        .isEqualTo("{\"name\":\"gpu\",\"addresses\":[\"0\",\"1\"]}");
  }

  @Test
  void countsWhatIsVisible() throws Exception {
    assertThat(discover("printf '0\\n1\\n2\\n'", Map.of("CUDA_VISIBLE_DEVICES", "2")).out())
        .isEqualTo("{\"name\":\"gpu\",\"addresses\":[\"0\"]}");
    Ended hidden = discover("echo 0", Map.of("CUDA_VISIBLE_DEVICES", ""));
    assertThat(hidden.code()).isEqualTo(1);
    assertThat(hidden.err()).isEqualTo("gpu-discovery: CUDA_VISIBLE_DEVICES hides every GPU");
  }

  @Test
  void saysWhyThereIsNone() throws Exception {
    Ended failed = discover("echo 'cannot talk to the driver'; exit 9", Map.of());
    assertThat(failed.code()).isEqualTo(1);
    assertThat(failed.err()).isEqualTo("gpu-discovery: nvidia-smi: cannot talk to the driver");
    assertThat(discover("true", Map.of()).err())
        .isEqualTo("gpu-discovery: nvidia-smi lists no GPU");
  }
}
