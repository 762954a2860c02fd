package org.sparkao.jobs.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestConsole {
  @TempDir private Path folder;

  private Path link(String target) throws Exception {
    return Files.createSymbolicLink(folder.resolve("fd"), Path.of(target));
  }

  @Test
  void launcherKnowsBest() throws Exception {
    assertThat(Console.terminal("true", link("/tmp/log"))).isEqualTo(Console.Terminal.INTERACTIVE);
    assertThat(Console.terminal("false", folder.resolve("fd"))).isEqualTo(Console.Terminal.PLAIN);
  }

  @Test
  void withoutItLinuxIsAsked() throws Exception {
    assertThat(Console.terminal(null, link("/dev/pts/3"))).isEqualTo(Console.Terminal.INTERACTIVE);
    Files.delete(folder.resolve("fd"));
    assertThat(Console.terminal(null, link("pipe:[123]"))).isEqualTo(Console.Terminal.PLAIN);
  }

  @Test
  void otherSystemsGetPlainLines() {
    assertThat(Console.terminal(null, folder.resolve("none"))).isEqualTo(Console.Terminal.PLAIN);
  }
}
