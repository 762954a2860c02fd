package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.config.KeyReference;

/** {@code conf/README.md} says what the code says; delete the file to have it written anew. */
class TestKeyReference {
  @Test
  void pageIsUpToDate() throws IOException {
    Map<String, List<ConfigKey<?>>> keys = new LinkedHashMap<>();
    Jobs.all().forEach(job -> keys.put(job.name(), job.keys()));
    String page = KeyReference.markdown(keys);
    Path file = Path.of(System.getProperty("sparkao.root"), "conf", "README.md");
    if (!Files.exists(file)) {
      Files.writeString(file, page);
    }
    assertThat(file).as("delete it, run this test again, commit it").hasContent(page);
  }
}
