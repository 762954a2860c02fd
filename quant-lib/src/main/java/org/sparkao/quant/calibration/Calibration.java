package org.sparkao.quant.calibration;

import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BiConsumer;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibration.CalibrationInfo.Block;
import org.sparkao.quant.calibration.CalibrationInfo.Input;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.observe.CacheSums;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * Reads a calibration, the format of which the package describes. {@link #open} reads {@code
 * calibration.json} alone; every other call opens a file, reads what it is asked for, and keeps
 * nothing. Safe for use by several threads when the files are.
 */
public final class Calibration {
  private final CheckpointFiles files;
  private final CalibrationInfo info;
  private final Map<String, Place> places = new HashMap<>();

  private Calibration(CheckpointFiles files, CalibrationInfo info) {
    this.files = files;
    this.info = info;
    for (Block block : info.blocks()) {
      for (Input input : block.inputs()) {
        input.modules().forEach(module -> places.put(module, new Place(block, input)));
      }
    }
  }

  /** Where a module's statistics are. */
  private record Place(Block block, Input input) {}

  /**
   * Opens the calibration in a folder.
   *
   * @throws QuantException when there is none, or none that is finished
   */
  public static Calibration open(CheckpointFiles files) throws IOException {
    for (FileEntry file : files.files()) {
      if (file.name().equals(CalibrationWriter.INFO)) {
        try (ByteSource source = files.open(file.name())) {
          byte[] text = new byte[Math.toIntExact(source.size())];
          source.readFully(0, text, 0, text.length);
          return new Calibration(files, CalibrationJson.read(text, source.location()));
        }
      }
    }
    throw new QuantException(
        files.location()
            + ": has no "
            + CalibrationWriter.INFO
            + ", which calibrate writes when it is done; name its --output, or run it again");
  }

  /** What was calibrated, how. */
  public CalibrationInfo info() {
    return info;
  }

  /**
   * The name of the input that a linear layer reads; equal for layers that read the same x.
   *
   * @return empty for a module that was not calibrated
   */
  public Optional<String> inputOf(String module) {
    return Optional.ofNullable(places.get(module)).map(place -> place.input().name());
  }

  /**
   * Channels of the input of a linear layer, K.
   *
   * @return empty for a module that was not calibrated
   */
  public OptionalInt columns(String module) {
    Place place = places.get(module);
    return place == null ? OptionalInt.empty() : OptionalInt.of(place.input().columns());
  }

  /**
   * Statistics of the input of a linear layer.
   *
   * @throws QuantException when the module was not calibrated
   */
  public CalibratedInput input(String module) throws IOException {
    try (TensorFile file = file(place(module).block())) {
      return input(file, place(module).input().name());
    }
  }

  /**
   * Statistics of the inputs of some linear layers. An input that several of them read is shown
   * once, with the first of these; every file is opened once.
   *
   * @throws QuantException when one of them was not calibrated
   */
  public void eachInput(Collection<String> modules, BiConsumer<String, CalibratedInput> use)
      throws IOException {
    Map<Block, Map<String, String>> blocks = new LinkedHashMap<>();
    for (String module : modules) {
      blocks
          .computeIfAbsent(place(module).block(), block -> new LinkedHashMap<>())
          .putIfAbsent(place(module).input().name(), module);
    }
    for (Map.Entry<Block, Map<String, String>> block : blocks.entrySet()) {
      try (TensorFile file = file(block.getKey())) {
        for (Map.Entry<String, String> input : block.getValue().entrySet()) {
          use.accept(input.getValue(), input(file, input.getKey()));
        }
      }
    }
  }

  private static CalibratedInput input(TensorFile file, String input) throws IOException {
    return new CalibratedInput(
        file.number(InputTensors.input(input, InputTensors.COUNT)),
        file.number(InputTensors.input(input, InputTensors.ROUTED)),
        file.floats(InputTensors.input(input, InputTensors.MIN)),
        file.floats(InputTensors.input(input, InputTensors.MAX)),
        file.floats(InputTensors.input(input, InputTensors.AMAX)),
        file.floats(InputTensors.input(input, InputTensors.MEAN_ABSOLUTE)),
        file.floats(InputTensors.input(input, InputTensors.MEAN_SQUARE)),
        file.histogram(InputTensors.input(input, InputTensors.HISTOGRAM)),
        file.histogram(InputTensors.input(input, InputTensors.TOKEN_AMAX)));
  }

  /**
   * The mean of x x^T [K, K] over the tokens of a linear layer's input; symmetric. Loads all of it.
   *
   * @throws QuantException when the module was not calibrated, or without Hessians
   */
  public float[] hessian(String module) throws IOException {
    Place place = place(module);
    try (TensorFile file = file(place.block())) {
      String name = InputTensors.input(place.input().name(), InputTensors.HESSIAN);
      if (!file.has(name)) {
        throw new QuantException(
            files.location()
                + "/"
                + place.block().file()
                + ": has no "
                + name
                + "; run calibrate with --hessian");
      }
      return file.floats(name);
    }
  }

  /**
   * Largest magnitude of each column of a module's weight [N, K], as it was calibrated.
   *
   * @return [K]
   * @throws QuantException when the module was not calibrated
   */
  public float[] weightColumnAmax(String module) throws IOException {
    try (TensorFile file = file(place(module).block())) {
      return file.floats(InputTensors.weightAmax(module));
    }
  }

  /**
   * Largest magnitudes of a block's keys and values.
   *
   * @param block such as {@code model.layers.0}
   * @throws QuantException when there is no such block, or none was asked for
   */
  public CacheSums cache(String block) throws IOException {
    Block found =
        info.blocks().stream()
            .filter(one -> one.name().equals(block))
            .findFirst()
            .orElseThrow(() -> notCalibrated(block));
    try (TensorFile file = file(found)) {
      if (!file.has(InputTensors.keyAmax(block))) {
        throw new QuantException(
            files.location()
                + "/"
                + found.file()
                + ": has no statistics of keys and values; run calibrate with --kv-cache");
      }
      return new CacheSums(
          file.floats(InputTensors.keyAmax(block)), file.floats(InputTensors.valueAmax(block)));
    }
  }

  private Place place(String module) {
    Place place = places.get(module);
    if (place == null) {
      throw notCalibrated(module);
    }
    return place;
  }

  private QuantException notCalibrated(String name) {
    return new QuantException(
        files.location()
            + ": "
            + name
            + " was not calibrated (calibrated: the linear layers of "
            + info.blocks().size()
            + " blocks of "
            + info.checkpoint().location()
            + "); leave it out by --skip, or calibrate this checkpoint");
  }

  private TensorFile file(Block block) throws IOException {
    return new TensorFile(files.open(block.file()));
  }
}
