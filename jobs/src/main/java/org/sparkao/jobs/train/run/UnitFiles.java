package org.sparkao.jobs.train.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sparkao.gpu.train.SingleBlock;
import org.sparkao.gpu.train.Trainer;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.quant.algorithm.ModuleScales;
import org.sparkao.quant.algorithm.ScalesFile;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * States of units in the work folder of an output: values in a part for each worker, the moments of
 * each worker, with momentum between workers velocities. These have the step in their names; {@code
 * state-UNIT.json} names the step that counts and is replaced after them, so that a killed task
 * leaves the state before or the state after. Whoever writes a state of a step writes the same
 * bits.
 */
final class UnitFiles {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Folder output;

  UnitFiles(Folder output) {
    this.output = output;
  }

  private static String state(int unit) {
    return WorkFolder.NAME + "/state-" + unit + ".json";
  }

  /** The file of a worker's moments after a step. */
  static String moments(int unit, int step, int worker) {
    return file("moments", unit, step, worker);
  }

  /** The file of a part of the values of a unit after a step. */
  static String values(int unit, int step, int part) {
    return file("values", unit, step, part);
  }

  /** The file of the velocities of these values. */
  static String velocities(int unit, int step, int part) {
    return file("velocities", unit, step, part);
  }

  private static String file(String what, int unit, int step, int part) {
    return WorkFolder.NAME + "/" + what + "-" + unit + "-" + step + "-" + part + ".safetensors";
  }

  /** The files of the values of a state. */
  static List<String> values(UnitState state) {
    return IntStream.range(0, state.workers())
        .mapToObj(part -> values(state.unit(), state.step(), part))
        .toList();
  }

  /** The file of the learned scales of a unit that is finished. */
  static String scales(int unit) {
    return WorkFolder.NAME + "/scales-" + unit + ".safetensors";
  }

  private static String progressFile(int unit) {
    return WorkFolder.NAME + "/progress-" + unit + ".json";
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
  void resume(Trainer trainer, UnitState state, int worker) throws IOException {
    try (Sources values = new Sources(output, values(state));
        ByteSource moments = output.open(moments(state.unit(), state.step(), worker))) {
      trainer.resume(values.all(), moments);
    }
  }

  /** Gives a block the values of a state. */
  void restore(SingleBlock block, UnitState state) throws IOException {
    try (Sources values = new Sources(output, values(state))) {
      block.restore(values.all());
    }
  }

  /** Keeps the state of the only worker, and forgets the one before. */
  void keep(Trainer trainer, UnitState state, Optional<UnitState> before) throws IOException {
    write(values(state.unit(), state.step(), 0), sink -> trainer.writeValues(sink, 0, 1));
    if (!state.isFinished()) {
      keepMoments(trainer, state.unit(), 0);
    }
    commit(state, before);
  }

  /** Writes what a worker needs to go on, beside values. */
  void keepMoments(Trainer trainer, int unit, int worker) throws IOException {
    write(moments(unit, trainer.done(), worker), trainer::writeMoments);
  }

  /** Makes a state count whose files are there, and forgets the one before. */
  void commit(UnitState state, Optional<UnitState> before) throws IOException {
    output.replace(state(state.unit()), JSON.writeValueAsBytes(state));
    for (int part = 0; part < state.workers(); part++) {
      if (state.isFinished()) {
        output.delete(moments(state.unit(), state.step(), part));
        output.delete(velocities(state.unit(), state.step(), part));
      }
      if (before.isPresent() && before.get().step() != state.step()) {
        output.delete(values(state.unit(), before.get().step(), part));
        output.delete(moments(state.unit(), before.get().step(), part));
        output.delete(velocities(state.unit(), before.get().step(), part));
      }
    }
  }

  /** Keeps the learned scales of a unit; before its last state. */
  void keep(int unit, Map<String, ModuleScales> scales) throws IOException {
    write(scales(unit), sink -> ScalesFile.write(sink, scales));
  }

  /** Writes a file that appears whole. */
  void write(String name, WorkFolder.Content content) throws IOException {
    WorkFolder.write(output, name, content);
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
