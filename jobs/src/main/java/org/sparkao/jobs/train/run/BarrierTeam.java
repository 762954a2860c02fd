package org.sparkao.jobs.train.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.sparkao.gpu.train.OuterStep;
import org.sparkao.gpu.train.Trainer;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.WorkFolder;
import org.sparkao.jobs.train.plan.Averaging;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * Workers in a barrier stage that average through the output folder. Each writes its values, then
 * averages one part of them over all workers, then reads all parts: every worker moves the bytes of
 * a model once out and twice in, whatever their number, and holds pieces of them alone. (Spark's
 * own {@code allGather} goes through the driver, which would hold all models; a stage a round would
 * read the model and the moments anew.) They wait for each other twice a round; Spark looks each
 * second whether all are there. Files of a round lie in a folder of this attempt, so that tasks of
 * an attempt that was given up are in nobody's way; states that are kept have names of their own.
 */
final class BarrierTeam implements Team {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ROUNDS = "rounds-";

  /** What a worker says begins with it that cannot go on. */
  private static final String REFUSED = "refused: ";

  private final int unit;
  private final Averaging averaging;
  private final Folder output;
  private final UnitFiles files;
  private final BarrierTaskContext context;
  private String folder = "";
  private Values before = new Values(0, false);
  private boolean isRefused;

  BarrierTeam(int unit, Averaging averaging, Folder output, BarrierTaskContext context) {
    this.unit = unit;
    this.averaging = averaging;
    this.output = output;
    this.files = new UnitFiles(output);
    this.context = context;
  }

  /** Values of all parts after a step: of a state, or of this attempt alone. */
  private record Values(int step, boolean kept) {}

  private String values(Values of, int part) {
    return of.kept ? UnitFiles.values(unit, of.step, part) : file("values", of, part);
  }

  private String velocities(Values of, int part) {
    return of.kept ? UnitFiles.velocities(unit, of.step, part) : file("velocities", of, part);
  }

  private String file(String what, Values of, int part) {
    return folder + "/" + what + "-" + of.step + "-" + part;
  }

  private int workers() {
    return averaging.workers();
  }

  @Override
  public int worker() {
    return context.partitionId();
  }

  @Override
  public void begin(Trainer trainer, Optional<UnitState> kept) throws IOException {
    before = new Values(kept.map(UnitState::step).orElse(0), kept.isPresent());
    String own = worker() == 0 ? newFolder() : "";
    String[] told = gather(before.step + " " + own);
    for (String one : told) {
      if (!one.startsWith(before.step + " ")) {
        throw new IOException(
            output.location()
                + ": a worker goes on from step "
                + before.step
                + " and another from "
                + one.substring(0, one.indexOf(' ')));
      }
    }
    folder = told[0].substring(told[0].indexOf(' ') + 1);
    if (kept.isEmpty()) {
      files.write(values(before, worker()), sink -> trainer.writeValues(sink, worker(), workers()));
    }
  }

  /** Gives everybody what each says. */
  private String[] gather(String own) {
    String[] told = context.allGather(own);
    for (String one : told) {
      if (one.startsWith(REFUSED)) {
        isRefused = true;
        throw new QuantException(one.substring(REFUSED.length()));
      }
    }
    return told;
  }

  @Override
  public void refuse(String reason) {
    if (!isRefused) {
      context.allGather(REFUSED + reason);
    }
  }

  /** Forgets what attempts before this one left. */
  private String newFolder() throws IOException {
    for (String name : output.list(WorkFolder.NAME)) {
      if (name.startsWith(ROUNDS)) {
        output.delete(WorkFolder.NAME + "/" + name);
      }
    }
    String own = WorkFolder.NAME + "/" + ROUNDS + UUID.randomUUID();
    output.create(own + "/begun", new byte[0]);
    return own;
  }

  @Override
  public List<StepRecord> average(Trainer trainer, List<StepRecord> own, boolean saves)
      throws IOException {
    Values after = new Values(trainer.done(), saves);
    files.write(file("worker", after, worker()), sink -> trainer.writeValues(sink, 0, 1));
    String[] told = gather(JSON.writeValueAsString(own));
    move(after);
    if (saves) {
      files.keepMoments(trainer, unit, worker());
    }
    context.barrier();
    List<String> parts = all(part -> values(after, part));
    try (Sources values = new Sources(output, parts)) {
      trainer.replaceValues(values.all());
    }
    output.delete(file("worker", after, worker()));
    if (!before.kept) {
      output.delete(values(before, worker()));
      output.delete(velocities(before, worker()));
    }
    before = after;
    return together(told);
  }

  private List<String> all(IntFunction<String> name) {
    return IntStream.range(0, workers()).mapToObj(name).toList();
  }

  /** Averages the part of this worker. */
  private void move(Values after) throws IOException {
    boolean momentum = averaging.outer().hasMomentum();
    List<String> names = new ArrayList<>(all(worker -> file("worker", after, worker)));
    names.add(values(before, worker()));
    if (momentum && before.step > 0) {
      names.add(velocities(before, worker()));
    }
    try (Sources sources = new Sources(output, names)) {
      List<ByteSource> all = sources.all();
      OuterStep.Inputs inputs =
          new OuterStep.Inputs(
              all.get(workers()),
              all.stream().skip(workers() + 1L).findFirst(),
              all.subList(0, workers()));
      OuterStep step = new OuterStep(averaging.outer());
      files.write(
          values(after, worker()),
          first -> {
            if (momentum) {
              files.write(
                  velocities(after, worker()),
                  second -> step.run(inputs, first, Optional.of(second)));
            } else {
              step.run(inputs, first, Optional.empty());
            }
          });
    }
  }

  /** Means over workers; tokens of all, and the time of the slowest. */
  private static List<StepRecord> together(String[] told) throws JsonProcessingException {
    List<StepRecord[]> workers = new ArrayList<>();
    for (String one : told) {
      workers.add(JSON.readValue(one, StepRecord[].class));
    }
    List<StepRecord> all = new ArrayList<>();
    for (int i = 0; i < workers.get(0).length; i++) {
      int index = i;
      List<StepRecord> step = workers.stream().map(worker -> worker[index]).toList();
      all.add(StepRecord.together(step));
    }
    return all;
  }

  @Override
  public void keep(Trainer trainer, UnitState state, Optional<UnitState> kept) throws IOException {
    if (worker() == 0) {
      files.commit(state, kept);
    }
  }
}
