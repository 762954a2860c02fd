package org.sparkao.jobs.quantize.run;

import java.io.IOException;
import java.util.Optional;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.algorithm.GivenScales;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.safetensors.ByteSource;

/** Reads the learned scales of one module after the other, where there are any. */
public final class ScalesReader {
  private final Planned place;
  private final Storage storage;
  private Optional<ScalesFile> header = Optional.empty();

  /**
   * Reads nothing yet.
   *
   * @param place the folder, and the file in it; {@link Planned#NONE} where there is none
   */
  public ScalesReader(Planned place, Storage storage) {
    this.place = place;
    this.storage = storage;
  }

  /**
   * Looks at the file again.
   *
   * @throws org.sparkao.quant.QuantException when it is not what it was at planning
   */
  public void requireUnchanged() throws IOException {
    if (!place.files().isEmpty()) {
      PlannedFiles.require(
          storage.folder(place.location()),
          place.files().stream().map(Planned.SourceFile::entry).toList());
    }
  }

  /** Those of a module; empty when its scales are computed. */
  public Optional<GivenScales> of(String module) throws IOException {
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
