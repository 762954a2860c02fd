package org.sparkao.gpu.model;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.tensor.Tensor;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.Workers;

/**
 * Runs sequences through a model block by block: all sequences through one block before the next
 * one is loaded, so that one block lies on the device at a time and the residual streams wait on
 * the host. A pass is one sequence, whose result does not depend on the others. For one thread.
 */
public final class BlockRunner implements AutoCloseable {
  /** Rows of a weight that are looked at together. */
  private static final int WEIGHT_ROWS = 64;

  private final Context context;
  private final BlockLoader loader;
  private final PassMemory memory;
  private final RotaryTables rotation;

  private BlockRunner(
      Context context, BlockLoader loader, PassMemory memory, RotaryTables rotation) {
    this.context = context;
    this.loader = loader;
    this.memory = memory;
    this.rotation = rotation;
  }

  /** What blocks are run by. */
  record Context(ModelOperators operators, ModelConfig config, Workers workers) {}

  /**
   * What every block reads; nothing is read but headers.
   *
   * @throws org.sparkao.quant.QuantException as {@link LanguageModels#inspect}
   */
  public static List<BlockInputs> inspect(Checkpoint checkpoint, CheckpointFiles files) {
    ModelConfig config = LanguageModels.inspect(checkpoint, files);
    return ModelWeights.of(config, WeightLookups.of(checkpoint, files)).layers().stream()
        .map(BlockInputs::of)
        .toList();
  }

  /**
   * Opens a checkpoint; no block is loaded yet.
   *
   * @param operators where and how it computes; stay the caller's, for this runner alone
   * @param longest most tokens of a sequence
   * @param workers share what is done on the host
   * @return the caller closes it
   * @throws org.sparkao.quant.QuantException as {@link LanguageModels#open}
   */
  public static BlockRunner open(
      Checkpoint checkpoint,
      CheckpointFiles files,
      ModelOperators operators,
      int longest,
      Workers workers) {
    ModelConfig config = LanguageModels.inspect(checkpoint, files);
    ModelWeights weights = ModelWeights.of(config, WeightLookups.of(checkpoint, files));
    return open(new Context(operators, config, workers), weights, longest);
  }

  static BlockRunner open(Context context, ModelWeights weights, int longest) {
    ModelConfig config = context.config();
    ModelOperators operators = context.operators();
    operators.require(config.heads());
    int dimension = config.heads().dimension();
    PassMemory.Sizes sizes = PassMemory.Sizes.of(config, longest, operators);
    long work = sizes.bytes() + RotaryTables.bytes(dimension, longest);
    MemoryPlan.of(operators, weights, work).placement(operators.device().budget().free());
    Deque<AutoCloseable> opened = new ArrayDeque<>();
    try {
      operators.reserve(longest, longest);
      PassMemory memory = new PassMemory(operators.device(), sizes);
      opened.push(memory);
      RotaryTables rotation =
          RotaryTables.load(operators.device(), config.rope(), dimension, longest);
      return new BlockRunner(
          context, new BlockLoader(operators, config, weights), memory, rotation);
    } catch (RuntimeException e) {
      Closing.all(opened);
      throw e;
    }
  }

  /** How it computes, for logs and files: equal text, checkpoint and device, equal bits. */
  public String numerics() {
    return context.operators().version()
        + "; "
        + context.operators().arithmetic()
        + " between them";
  }

  /** Hidden states of sequences before the first block. */
  public List<HiddenStates> embed(List<int[]> sequences) {
    List<HiddenStates> all = new ArrayList<>();
    eachEmbedded(
        sequences,
        index -> {
          int tokens = sequences.get(index).length;
          int bytes = Math.toIntExact(memory.hiddenBytes(tokens));
          HiddenStates states = new HiddenStates(tokens, ByteBuffer.allocate(bytes));
          context.operators().device().read(memory.hidden(), 0, states.bytes());
          all.add(states);
        });
    return all;
  }

  /**
   * The same, into memory of the device.
   *
   * @param to where those of a sequence are put, [tokens, hidden], by its number
   */
  public void embed(List<int[]> sequences, IntFunction<Tensor> to) {
    eachEmbedded(sequences, index -> to.apply(index).copyFrom(memory.hidden(), type()));
  }

  /**
   * The same, where they stay on the device. The caller closes it.
   *
   * @throws org.sparkao.gpu.OutOfDeviceMemoryException when they do not fit
   */
  public ResidentStates resident(List<int[]> sequences) {
    int hidden = context.config().sizes().hidden();
    ResidentStates states =
        new ResidentStates(context.operators().device(), type(), sequences, hidden);
    try {
      embed(sequences, states.sequences()::get);
      return states;
    } catch (RuntimeException e) {
      states.close();
      throw e;
    }
  }

  /** Bytes of the device that may still be taken. */
  public long freeBytes() {
    return context.operators().device().budget().free();
  }

  /** Bytes of the device that {@link #resident} and the largest block take. */
  public long residentBytes(List<int[]> sequences) {
    long tokens = sequences.stream().mapToLong(one -> one.length).sum();
    MemoryPlan plan = MemoryPlan.of(context.operators(), loader.weights(), 0);
    return tokens * memory.hiddenBytes(1) + Math.max(plan.largestLayer(), plan.embedding());
  }

  /** Has a sequence's states taken from the memory of a pass before the next one comes. */
  private void eachEmbedded(List<int[]> sequences, IntConsumer take) {
    try (ModelOperators.EmbeddingTable table = loader.embedding()) {
      for (int i = 0; i < sequences.size(); i++) {
        PackedTokens tokens = PackedTokens.of(List.of(sequences.get(i)), new int[1]);
        PrefillPass.embed(tokens, memory, context.operators(), table);
        take.accept(i);
      }
    }
  }

  /** Of hidden states on the device. */
  private WeightType type() {
    return context.operators().arithmetic() == Arithmetic.BF16 ? WeightType.BF16 : WeightType.F32;
  }

  /** The numbers of a sequence's hidden states, [tokens, hidden]; a copy. */
  public float[] values(HiddenStates states) {
    return HiddenStates.floats(states.bytes(), context.operators().arithmetic());
  }

  /**
   * Copies a sequence's hidden states.
   *
   * @param to [tokens, hidden]
   */
  public void copy(HiddenStates states, Tensor to) {
    to.write(states.bytes(), type());
  }

  /** What the model is. */
  public ModelConfig config() {
    return context.config();
  }

  /**
   * Loads one block after the other, and lends it. A GPU's is read from the checkpoint while the
   * one before it is used.
   */
  public void blocks(BlockUse use) {
    blocks(loader.layers(), use);
  }

  /** The same of the first {@code end} blocks. */
  public void blocks(int end, BlockUse use) {
    if (context.operators().device() instanceof CudaDevice) {
      try (LayersAhead ahead = new LayersAhead(loader.weights().layers(), end, context.workers())) {
        blocks(
            end,
            i -> {
              DecoderLayer layer = loader.layer(ahead.take());
              ahead.begin(i + 1);
              return layer;
            },
            use);
      }
    } else {
      blocks(end, loader::layer, use);
    }
  }

  private void blocks(int end, IntFunction<DecoderLayer> layers, BlockUse use) {
    for (int i = 0; i < end; i++) {
      try (DecoderLayer layer = layers.apply(i)) {
        Block block = new Block(layer, loader.weights().layers().get(i));
        try {
          use.use(i, block);
        } finally {
          block.release();
        }
      }
    }
  }

  /**
   * Lends a block part by part; one at a time.
   *
   * @return the caller closes it
   */
  public PartwiseBlock partwise(int index) {
    LayerParts parts =
        new LayerParts(context.operators(), context.config(), loader.weights().layers().get(index));
    return new PartwiseBlock(context, parts, memory, rotation);
  }

  /** What is done with a block. */
  @FunctionalInterface
  public interface BlockUse {
    /** Uses block {@code index}, and no other; it is valid during the call. */
    void use(int index, Block block);
  }

  /** A block that is loaded. */
  public final class Block {
    private final DecoderLayer layer;
    private final LayerWeights weights;
    private Optional<DeviceInputs> onDevice = Optional.empty();
    private Optional<Pass> pass = Optional.empty();
    private final HostInputs.Norms norms;

    private Block(DecoderLayer layer, LayerWeights weights) {
      this.layer = layer;
      this.weights = weights;
      this.norms = HostInputs.Norms.of(weights, context);
    }

    /** Takes the hidden states of a sequence through the block, in place. */
    public void run(HiddenStates states) {
      run(states, LayerObserver.NONE);
    }

    /**
     * The same to the bit, where they lie on the device.
     *
     * @param states [tokens, hidden]
     */
    public void run(Tensor states) {
      run(states, LayerObserver.NONE);
    }

    private void run(Tensor states, LayerObserver observer) {
      states.copyTo(memory.hidden(), type());
      layer.run(pass(states.rows()), memory, Optional.empty(), observer);
      states.copyFrom(memory.hidden(), type());
    }

    /** Where tokens of a sequence belong; that of one as long as the last is there already. */
    private Pass pass(int tokens) {
      if (pass.filter(last -> last.places().rows() == tokens).isEmpty()) {
        PackedTokens packed = PackedTokens.of(List.of(new int[tokens]), new int[1]);
        pass = Optional.of(PrefillPass.begin(packed, memory, rotation.table()));
      }
      return pass.orElseThrow();
    }

    /** The same to the bit, and shows what the linear layers read. */
    public void run(HiddenStates states, BlockObserver observer) {
      run(states, new HostInputs(norms, context, observer));
    }

    /** The same to the bit, and shows it where it lies. Experts are not shown. */
    public void run(HiddenStates states, DeviceObserver observer) {
      run(states, shown(observer));
    }

    /** The same to the bit, where they lie on the device. */
    public void run(Tensor states, DeviceObserver observer) {
      run(states, shown(observer));
    }

    private LayerObserver shown(DeviceObserver observer) {
      if (onDevice.isEmpty()) {
        onDevice = Optional.of(new DeviceInputs(weights, context));
      }
      return onDevice.orElseThrow().to(observer);
    }

    private void release() {
      onDevice.ifPresent(DeviceInputs::close);
    }

    private void run(HiddenStates states, LayerObserver observer) {
      context.operators().device().write(memory.hidden(), 0, states.bytes());
      layer.run(pass(states.tokens()), memory, Optional.empty(), observer);
      context.operators().device().read(memory.hidden(), 0, states.bytes());
    }

    /**
     * Largest magnitudes of the columns of its weights, dequantized where they are quantized. Reads
     * the checkpoint: any thread may ask, and after the block is used, too.
     *
     * @return [K] by module
     */
    public Map<String, float[]> columnAmax() {
      return BlockRunner.columnAmax(weights, context.workers());
    }
  }

  static Map<String, float[]> columnAmax(LayerWeights layer, Workers workers) {
    Map<String, float[]> all = new LinkedHashMap<>();
    layer.linears().forEach(weight -> all.put(weight.name(), columnAmax(weight, workers)));
    return all;
  }

  private static float[] columnAmax(LinearWeight weight, Workers workers) {
    HostDequantizer stored = HostDequantizer.of(weight);
    float[] amax = new float[weight.k()];
    workers.run(
        (weight.n() + WEIGHT_ROWS - 1) / WEIGHT_ROWS,
        piece -> {
          float[] some = columnAmax(stored, weight, WEIGHT_ROWS * piece);
          synchronized (amax) {
            raise(amax, some, 0);
          }
        });
    return amax;
  }

  /** The same of the rows from {@code first} on that are looked at together. */
  private static float[] columnAmax(HostDequantizer stored, LinearWeight weight, int first) {
    int count = Math.min(WEIGHT_ROWS, weight.n() - first);
    float[] rows = new float[Math.multiplyExact(count, weight.k())];
    stored.floats(first, count, rows, 0);
    float[] amax = new float[weight.k()];
    for (int i = 0; i < count; i++) {
      raise(amax, rows, i * amax.length);
    }
    return amax;
  }

  private static void raise(float[] amax, float[] values, int offset) {
    for (int j = 0; j < amax.length; j++) {
      amax[j] = Math.max(amax[j], Math.abs(values[offset + j]));
    }
  }

  @Override
  public void close() {
    Closing.all(new ArrayDeque<>(List.of(rotation, memory)));
  }
}
