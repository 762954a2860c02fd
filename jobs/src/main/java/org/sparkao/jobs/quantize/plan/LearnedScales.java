package org.sparkao.jobs.quantize.plan;

import java.io.IOException;
import java.util.Collection;
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
 * @param anew option that leaves them aside, and what happens then; for messages
 */
public record LearnedScales(ScalesFile file, Checkpoint place, String anew) {
  private static final String NONE = "none";

  /**
   * The file that is named, else the one beside the checkpoint, if there is one.
   *
   * @param named URI of a file; {@code none} leaves all files aside
   * @param anew option that does so, and what happens then
   */
  public static Optional<LearnedScales> find(
      Optional<String> named, Checkpoint source, Storage storage, String anew) throws IOException {
    if (named.filter(NONE::equals).isPresent()) {
      return Optional.empty();
    }
    if (named.isPresent()) {
      CheckpointLocation location = CheckpointLocation.of(named.orElseThrow());
      if (location.file().isEmpty()) {
        location = new CheckpointLocation(location.folder(), Optional.of(ScalesFile.NAME));
      }
      return Optional.of(open(location, storage, anew));
    }
    boolean beside =
        storage.folder(source.location()).files().stream()
            .anyMatch(file -> file.name().equals(ScalesFile.NAME));
    return beside
        ? Optional.of(
            open(
                new CheckpointLocation(source.location(), Optional.of(ScalesFile.NAME)),
                storage,
                anew))
        : Optional.empty();
  }

  private static LearnedScales open(CheckpointLocation location, Storage storage, String anew)
      throws IOException {
    Checkpoint place = location.open(storage);
    try (ByteSource source =
        storage.folder(location.folder()).open(location.file().orElseThrow())) {
      return new LearnedScales(ScalesFile.open(source), place, anew);
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
        check(weight, arithmetic);
      }
    }
  }

  private void check(Quantize weight, Arithmetic arithmetic) {
    try {
      file.check(weight.module(), arithmetic.request(weight));
    } catch (QuantException e) {
      throw new QuantException(e.getMessage() + ", or " + anew, e);
    }
  }

  /**
   * Refuses modules that have no scales here.
   *
   * @throws QuantException naming them
   */
  public void requireAll(Collection<String> modules) {
    List<String> missing = modules.stream().filter(module -> !file.has(module)).toList();
    if (!missing.isEmpty()) {
      throw refused(
          "has no scales of "
              + NameRanges.of(missing)
              + ", which this recipe quantizes; use the schemes of the training");
    }
  }

  /** A refusal that tells the way out. */
  public QuantException refused(String why) {
    return new QuantException(location() + ": " + why + ", or " + anew);
  }

  /** One line for the plan, without its end. */
  public String text() {
    return "scales of " + file.modules().size() + " weights were learned: " + location();
  }

  /** Its URI. */
  public String location() {
    return place.location() + "/" + place.shards().get(0).file().name();
  }
}
