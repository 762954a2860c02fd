package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.module.KernelLibrary;
import org.sparkao.gpu.module.Launch;
import org.sparkao.gpu.tensor.CudaTensor;
import org.sparkao.quant.format.WeightType;

/**
 * On a GPU, one launch a parameter, with the bits of {@link HostAdamW}. Parameters are fp32. Launch
 * order is that of calls. {@link #close} gives its tables back.
 */
public final class CudaAdamW implements AdamW, AutoCloseable {
  /** The folder of its kernels. */
  public static final String OP = "adamw";

  private static final int THREADS = 256;
  private static final int ELEMENTS_A_BLOCK = 8 * THREADS;
  private static final int BLOCKS_EACH = 8;

  private final KernelLibrary library;
  private final Map<StateFormat, Buffer> maps = new EnumMap<>(StateFormat.class);

  /** On the device of a library, which stays the caller's. */
  public CudaAdamW(KernelLibrary library) {
    this.library = library;
    try {
      keep(StateFormat.INT8, DeviceMaps.of(MapState.SIGNED8, MapState.UNSIGNED8));
      keep(StateFormat.INT4, DeviceMaps.of(MapState.SIGNED4, MapState.UNSIGNED4));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void keep(StateFormat format, ByteBuffer tables) {
    CudaDevice device = library.device();
    Buffer buffer = device.allocate(tables.capacity());
    maps.put(format, buffer);
    device.write(buffer, 0, tables);
  }

  @Override
  public void step(TrainedParameter parameter, AdamWState state, AdamWStep step) {
    AdamW.check(parameter, state);
    CudaTensor value = fp32(CudaTensor.of(parameter.parameter().value()));
    CudaTensor gradient = fp32(CudaTensor.of(parameter.parameter().gradient()));
    StateFormat format = state.first().format();
    long elements = parameter.elements();
    long wanted = (elements - 1) / ELEMENTS_A_BLOCK + 1;
    long together = (long) BLOCKS_EACH * library.device().info().multiprocessors();
    Launch launch =
        library
            .kernel(OP, OP + "_" + format.configName())
            .launch(parameter.parameter().name() + ", " + elements + " elements")
            .grid((int) Math.min(wanted, together))
            .block(THREADS)
            .dependent()
            .with(value.buffer())
            .with(gradient.buffer());
    add(launch, state.first());
    add(launch, state.second());
    if (maps.containsKey(format)) {
      launch.with(maps.get(format));
    } else {
      launch.withNull();
    }
    launch
        .with(step.gradientFactor())
        .with(step.decay())
        .with(step.firstWeight())
        .with(step.secondWeight())
        .with(step.firstCorrection())
        .with(step.secondCorrection())
        .with((float) step.settings().epsilon())
        .with(step.learningRate())
        .with(parameter.rounding().ordinal())
        .with(step.seed())
        .with(parameter.number())
        .with(step.step())
        .with(elements)
        .run();
  }

  private static CudaTensor fp32(CudaTensor tensor) {
    if (tensor.type() != WeightType.F32) {
      throw new IllegalArgumentException("a parameter in " + tensor.type());
    }
    return tensor;
  }

  private static void add(Launch launch, MomentState state) {
    launch.with(state.codes());
    if (state.scales().isPresent()) {
      launch.with(state.scales().get());
    } else {
      launch.withNull();
    }
  }

  @Override
  public void close() {
    maps.values().forEach(Buffer::close);
  }
}
