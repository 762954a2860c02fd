package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.model.LayerObserver.Part;
import org.sparkao.gpu.model.ModelOperators.HeadNorms;
import org.sparkao.gpu.model.ModelOperators.HeadSteps;

/**
 * A block that runs part by part: all sequences through one part before the next one is loaded, so
 * that the weights of a part may depend on what it reads. The parts are those of {@link
 * BlockInputs#parts}: q, k and v with attention; the projection back; gate and up; down; or a whole
 * mixture in place of the last two. Computes what {@link BlockRunner.Block#run} does, to the bit.
 */
public final class PartwiseBlock implements AutoCloseable {
  private static final List<Part> PARTS =
      List.of(Part.QKV, Part.OUTPUT, Part.FEED_FORWARD, Part.DOWN);
  private static final int NONE = -1;

  private final BlockRunner.Context context;
  private final LayerParts stored;
  private final PassMemory memory;
  private final RotaryTables rotation;
  private final HostInputs.Norms norms;
  private final Deque<AutoCloseable> loaded = new ArrayDeque<>();
  private int loadedPart = NONE;
  private Projection projection;
  private Optional<HeadNorms> headNorms = Optional.empty();
  private Optional<DeviceInputs> onDevice = Optional.empty();

  /** The sequence whose numbers the last part left on the device. */
  private Optional<HiddenStates> left = Optional.empty();

  PartwiseBlock(
      BlockRunner.Context context, LayerParts stored, PassMemory memory, RotaryTables rotation) {
    this.context = context;
    this.stored = stored;
    this.memory = memory;
    this.rotation = rotation;
    this.norms = HostInputs.Norms.of(stored.weights(), context);
  }

  /**
   * Puts a part on the device in place of the one before.
   *
   * @param values [N, K] by the names of linear layers; others have those of the checkpoint
   */
  public void load(int part, Map<String, StoredTensor> values) {
    unload();
    LayerParts parts =
        new LayerParts(stored.operators(), stored.config(), stored.weights().with(values));
    try {
      projection =
          switch (PARTS.get(part)) {
            case QKV -> parts.qkv();
            case OUTPUT -> parts.output();
            case FEED_FORWARD -> parts.feedForward();
            default -> parts.down().orElseThrow();
          };
      loaded.push(projection);
      headNorms = part == 0 ? parts.headNorms(loaded::push) : Optional.empty();
      loadedPart = part;
    } catch (RuntimeException e) {
      unload();
      throw e;
    }
  }

  /**
   * Shows what a part reads of a sequence that went through the parts before; changes nothing. A
   * mixture runs for it, and has to be loaded.
   */
  public void show(int part, HiddenStates states, BlockObserver observer) {
    HostInputs inputs = new HostInputs(norms, context, observer);
    if (part == 2 && norms.inputs().experts() > 0) {
      showExperts(states, inputs, observer);
      return;
    }
    ByteBuffer read = part % 2 == 0 ? states.bytes() : states.between();
    float[] x = HiddenStates.floats(read, context.operators().arithmetic());
    inputs.show(PARTS.get(part), x, states.tokens());
  }

  /** The same where it lies, without experts. */
  public void show(int part, HiddenStates states, DeviceObserver observer) {
    Part read = PARTS.get(part);
    Buffer x =
        switch (read) {
          case OUTPUT -> memory.attended();
          case DOWN -> memory.inner();
          default -> memory.hidden();
        };
    boolean there = part > 0 && left.filter(one -> one == states).isPresent();
    if (!there) {
      left = Optional.empty();
      ByteBuffer stored = part % 2 == 0 ? states.bytes() : states.between();
      context.operators().device().write(x, 0, stored);
    }
    inputs().to(observer).before(read, x, states.tokens());
  }

  private DeviceInputs inputs() {
    if (onDevice.isEmpty()) {
      onDevice = Optional.of(new DeviceInputs(stored.weights(), context));
    }
    return onDevice.orElseThrow();
  }

  private void showExperts(HiddenStates states, HostInputs inputs, BlockObserver observer) {
    require(2);
    write(states);
    if (observer.wantsInputs()) {
      inputs.before(Part.FEED_FORWARD, memory.hidden(), states.tokens());
    }
    mixture(states.tokens(), inputs.experts());
  }

  private void mixture(int rows, ExpertObserver observer) {
    if (projection instanceof ObservedMixture mixture) {
      mixture.run(rows, memory.hidden(), memory.hidden(), observer);
    } else if (observer == ExpertObserver.NONE) {
      projection.run(Operation.PREFILL, rows, memory.hidden(), memory.hidden());
    } else {
      throw new IllegalStateException(
          context.operators().version() + " do not show what experts read");
    }
  }

  /** Takes a sequence through a part that is loaded, in place. */
  public void run(int part, HiddenStates states) {
    run(part, states, LayerObserver.NONE);
  }

  /** The same to the bit, and shows the heads of attention, where they are wanted. */
  public void run(int part, HiddenStates states, BlockObserver observer) {
    run(part, states, new HostInputs(norms, context, observer));
  }

  /** The same where they lie. */
  public void run(int part, HiddenStates states, DeviceObserver observer) {
    LayerObserver inputs = inputs().to(observer);
    // What linear layers read is shown by itself.
    run(
        part,
        states,
        (read, x, rows) -> {
          if (read == Part.HEADS) {
            inputs.before(read, x, rows);
          }
        });
  }

  private void run(int part, HiddenStates states, LayerObserver observer) {
    require(part);
    int rows = states.tokens();
    write(states);
    switch (PARTS.get(part)) {
      case QKV -> attend(states, observer);
      case OUTPUT -> {
        context.operators().device().write(memory.attended(), 0, states.between());
        projection.run(Operation.PREFILL, rows, memory.attended(), memory.hidden());
        read(states);
      }
      case FEED_FORWARD -> feedForward(states);
      default -> {
        context.operators().device().write(memory.inner(), 0, states.between());
        projection.run(Operation.PREFILL, rows, memory.inner(), memory.hidden());
        read(states);
      }
    }
    left = Optional.of(states);
  }

  private void attend(HiddenStates states, LayerObserver observer) {
    int rows = states.tokens();
    PackedTokens tokens = PackedTokens.of(List.of(new int[rows]), new int[1]);
    Pass pass = PrefillPass.begin(tokens, memory, rotation.table());
    ModelOperators operators = context.operators();
    projection.run(pass.operation(), rows, memory.hidden(), memory.qkv());
    operators.prepareHeads(
        memory.qkv(),
        memory.heads(),
        pass.places(),
        new HeadSteps(headNorms, pass.rotation(), Optional.empty()));
    observer.before(Part.HEADS, memory.qkv(), rows);
    pass.attend(operators, memory, Optional.empty());
    long bytes = memory.attendedBytes(rows);
    operators.device().read(memory.attended(), 0, states.between(bytes));
  }

  private void feedForward(HiddenStates states) {
    if (norms.inputs().experts() > 0) {
      mixture(states.tokens(), ExpertObserver.NONE);
      read(states);
      return;
    }
    projection.run(Operation.PREFILL, states.tokens(), memory.hidden(), memory.inner());
    long bytes = memory.innerBytes(states.tokens());
    context.operators().device().read(memory.inner(), 0, states.between(bytes));
  }

  private void require(int part) {
    if (part != loadedPart) {
      throw new IllegalStateException("part " + part + " is not loaded");
    }
  }

  private void write(HiddenStates states) {
    context.operators().device().write(memory.hidden(), 0, states.bytes());
  }

  /** The residual stream, after which nothing else is read. */
  private void read(HiddenStates states) {
    context.operators().device().read(memory.hidden(), 0, states.bytes());
    states.between(0);
  }

  /** As {@link BlockRunner.Block#columnAmax}, of the weights of the checkpoint. */
  public Map<String, float[]> columnAmax() {
    return BlockRunner.columnAmax(stored.weights(), context.workers());
  }

  private void unload() {
    loadedPart = NONE;
    Closing.all(loaded);
  }

  @Override
  public void close() {
    unload();
    onDevice.ifPresent(DeviceInputs::close);
    onDevice = Optional.empty();
  }
}
