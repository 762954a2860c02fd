package org.sparkao.gpu.optimizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntToDoubleFunction;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.tensor.HostTensor;
import org.sparkao.gpu.tensor.Parameter;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.observe.Workers;

/** Parameters of the processor from numbers, and what became of them. */
final class OptimizerCase {
  static final CpuDevice CPU = CpuDevice.open();

  private OptimizerCase() {}

  /** A parameter within a larger tensor, so that it has an offset. */
  static TrainedParameter parameter(TrainedParameter.Rounding rounding, float[] values) {
    float[] begin = values.clone();
    if (rounding != TrainedParameter.Rounding.FP32) {
      for (int i = 0; i < begin.length; i++) {
        begin[i] = WeightType.BF16.round(begin[i]);
      }
    }
    HostTensor value = HostTensor.allocate(CPU, 2, values.length).slice(1, 2);
    value.write(begin, 0);
    HostTensor gradient = HostTensor.allocate(CPU, 2, values.length).slice(1, 2);
    return new TrainedParameter(new Parameter("layers.0.weight", value, gradient), 0, rounding);
  }

  static void step(
      Workers workers,
      TrainedParameter parameter,
      float[] gradient,
      AdamWState state,
      AdamWStep step) {
    parameter.parameter().gradient().write(gradient, 0);
    new HostAdamW(workers).step(parameter, state, step);
  }

  static float[] values(TrainedParameter parameter) {
    return parameter.parameter().value().toFloats();
  }

  static HostTensor tensor(float[] values) {
    HostTensor tensor = HostTensor.allocate(CPU, 2, values.length).slice(1, 2);
    tensor.write(values, 0);
    return tensor;
  }

  static byte[] bytes(Buffer buffer) {
    byte[] bytes = new byte[(int) buffer.bytes()];
    buffer.device().read(buffer, 0, ByteBuffer.wrap(bytes));
    return bytes;
  }

  static float[] floats(Buffer buffer) {
    float[] values = new float[(int) buffer.bytes() / 4];
    ByteBuffer.wrap(bytes(buffer)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  static float[] values(int count, IntToDoubleFunction function) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) function.applyAsDouble(i);
    }
    return values;
  }
}
