package org.sparkao.jobs.train.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.sparkao.gpu.train.Trainer;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * States of units in the work folder of an output. Values and moments have the step in their names;
 * {@code state-UNIT.json} names the step that counts and is replaced after them, so that a killed
 * task leaves the state before or the state after. Whoever writes a state of a step writes the same
 * bits.
 */
final class UnitFiles {
  /** The folder of everything temporary. */
  static final String WORK = "_sparkao";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Folder output;

  UnitFiles(Folder output) {
    this.output = output;
  }

  /** Puts the bytes of a file into a sink. */
  @FunctionalInterface
  interface Content {
    /** All of them. */
    void to(ByteSink sink) throws IOException;
  }

  private static String state(int unit) {
    return WORK + "/state-" + unit + ".json";
  }

  private static String moments(int unit, int step) {
    return WORK + "/moments-" + unit + "-" + step + ".safetensors";
  }

  /** The file of the values of a unit after a step. */
  static String values(int unit, int step) {
    return WORK + "/values-" + unit + "-" + step + ".safetensors";
  }

  /** The file of the learned scales of a unit that is finished. */
  static String scales(int unit) {
    return WORK + "/scales-" + unit + ".safetensors";
  }

  private static String progressFile(int unit) {
    return WORK + "/progress-" + unit + ".json";
  }

  /** How far a unit is; empty before its first state. */
  Optional<UnitState> state(int unit, int steps) throws IOException {
    if (output.size(state(unit)).isEmpty()) {
      return Optional.empty();
    }
    UnitState state = JSON.readValue(output.read(state(unit)), UnitState.class);
    if (state.steps() != steps) {
      throw new IOException(output.location() + "/" + state(unit) + ": is of another training");
    }
    return Optional.of(state);
  }

  /** Goes on from a state. */
  void resume(Trainer trainer, UnitState state) throws IOException {
    try (ByteSource values = output.open(values(state.unit(), state.step()));
        ByteSource moments = output.open(moments(state.unit(), state.step()))) {
      trainer.resume(values, moments);
    }
  }

  /** Keeps a state, and forgets the one before. */
  void keep(Trainer trainer, UnitState state, Optional<UnitState> before) throws IOException {
    int unit = state.unit();
    String values = part();
    String moments = part();
    try (ByteSink first = output.sink(values);
        ByteSink second = output.sink(moments)) {
      trainer.write(first, second);
    }
    output.rename(values, values(unit, state.step()));
    output.rename(moments, moments(unit, state.step()));
    output.replace(state(unit), JSON.writeValueAsBytes(state));
    if (state.isFinished()) {
      output.delete(moments(unit, state.step()));
    }
    if (before.isPresent() && before.get().step() != state.step()) {
      output.delete(values(unit, before.get().step()));
      output.delete(moments(unit, before.get().step()));
    }
  }

  /** Keeps the learned scales of a unit; before its last state. */
  void keep(int unit, Map<String, ModuleScales> scales) throws IOException {
    write(scales(unit), sink -> ScalesFile.write(sink, scales));
  }

  /** Writes a file that appears whole. */
  void write(String name, Content content) throws IOException {
    String part = part();
    try (ByteSink sink = output.sink(part)) {
      content.to(sink);
    }
    output.rename(part, name);
  }

  private static String part() {
    return WORK + "/part-" + UUID.randomUUID() + ".tmp";
  }

  /** Says how many steps of a unit are done. */
  void progress(int unit, int steps) throws IOException {
    output.replace(progressFile(unit), JSON.writeValueAsBytes(steps));
  }

  /** Steps of a unit that are done, as it last said. */
  int progress(int unit) throws IOException {
    try {
      return JSON.readValue(output.read(progressFile(unit)), Integer.class);
    } catch (NoSuchFileException | FileNotFoundException e) {
      return 0;
    }
  }
}
