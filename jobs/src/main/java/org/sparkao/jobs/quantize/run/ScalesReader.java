package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.Optional;
import org.sparkao.jobs.quantize.run.ShardSettings.Planned;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.safetensors.ByteSource;

/** Reads the learned scales of one module after the other, where there are any. */
final class ScalesReader {
  private final Planned place;
  private final Storage storage;
  private Optional<ScalesFile> header = Optional.empty();

  ScalesReader(Planned place, Storage storage) {
    this.place = place;
    this.storage = storage;
  }

  /** Those of a module; empty when its scales are computed. */
  Optional<GivenScales> of(String module) throws IOException {
    if (place.files().isEmpty()) {
      return Optional.empty();
    }
    try (ByteSource source = storage.folder(place.location()).open(place.files().get(0).name())) {
      if (header.isEmpty()) {
        header = Optional.of(ScalesFile.open(source));
      }
      ScalesFile scales = header.orElseThrow();
      return scales.has(module) ? Optional.of(scales.read(source, module)) : Optional.empty();
    }
  }
}
