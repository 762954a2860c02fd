package org.sparkao.jobs.quantize.plan;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkao.jobs.quantize.plan.TensorTask.Quantize;
import org.sparkao.jobs.storage.CheckpointLocation;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.scheme.CheckpointLayout;

/**
 * Scales that training learned, which stand in for those that would be computed.
 *
 * @param file what its header says
 * @param place the same as a folder of one file, whose fingerprint has size and version
 */
public record LearnedScales(ScalesFile file, Checkpoint place) {

  /**
   * The file that is named, else the one beside the checkpoint, if there is one.
   *
   * @param named URI of a file
   */
  public static Optional<LearnedScales> find(
      Optional<String> named, Checkpoint source, Storage storage) throws IOException {
    if (named.isPresent()) {
      CheckpointLocation location = CheckpointLocation.of(named.orElseThrow());
      if (location.file().isEmpty()) {
        location = new CheckpointLocation(location.folder(), Optional.of(ScalesFile.NAME));
      }
      return Optional.of(open(location, storage));
    }
    boolean beside =
        storage.folder(source.location()).files().stream()
            .anyMatch(file -> file.name().equals(ScalesFile.NAME));
    return beside
        ? Optional.of(
            open(new CheckpointLocation(source.location(), Optional.of(ScalesFile.NAME)), storage))
        : Optional.empty();
  }

  private static LearnedScales open(CheckpointLocation location, Storage storage)
      throws IOException {
    Checkpoint place = location.open(storage);
    try (ByteSource source =
        storage.folder(location.folder()).open(location.file().orElseThrow())) {
      return new LearnedScales(ScalesFile.open(source), place);
    }
  }

  /**
   * Refuses a recipe that these scales were not learned for.
   *
   * @throws QuantException naming the module, what was learned and what is asked
   */
  void require(List<TensorTask> tasks, Arithmetic arithmetic) {
    if (arithmetic.algorithm() != WeightAlgorithm.RTN) {
      throw refused(
          "algorithm "
              + arithmetic.algorithm().configName()
              + " chooses scales of its own; use --algorithm rtn");
    }
    if (arithmetic.layout() != CheckpointLayout.COMPRESSED_TENSORS) {
      throw refused(
          "layout "
              + arithmetic.layout().configName()
              + " has scales of another type; use --layout compressed-tensors");
    }
    Set<String> quantized =
        tasks.stream()
            .filter(Quantize.class::isInstance)
            .map(TensorTask::module)
            .collect(Collectors.toSet());
    List<String> unused = file.modules().stream().filter(m -> !quantized.contains(m)).toList();
    if (!unused.isEmpty()) {
      throw refused(
          "scales of "
              + NameRanges.of(unused)
              + " were learned, and this recipe does not quantize them; use the schemes of the"
              + " training");
    }
    for (TensorTask task : tasks) {
      if (task instanceof Quantize weight && file.has(weight.module())) {
        file.check(weight.module(), arithmetic.request(weight));
      }
    }
  }

  private QuantException refused(String why) {
    return new QuantException(location() + ": " + why + ", or --scales none to compute scales");
  }

  /** One line for the plan, without its end. */
  public String text() {
    return "scales of " + file.modules().size() + " weights were learned: " + location();
  }

  private String location() {
    return place.location() + "/" + place.shards().get(0).file().name();
  }
}
