package org.sparkao.jobs.gpu;

import java.util.Set;
import org.sparkao.gpu.device.DeviceInfo.Kind;
import org.sparkao.gpu.device.DeviceProbe;
import org.sparkao.gpu.device.Devices;
import org.sparkao.quant.QuantException;

/** The device of a job that works in this JVM alone, without Spark. */
public final class LocalDevice {
  private LocalDevice() {}

  /**
   * The device that is asked for; for {@code auto} the GPU where work and machine have one.
   *
   * @param able what the work can be done on
   * @throws QuantException when it is not there, with the reason
   */
  public static Kind choose(DeviceRequest request, Set<Kind> able) {
    if (request == DeviceRequest.CPU || !able.contains(Kind.CUDA)) {
      if (!able.contains(Kind.CPU)) {
        throw new QuantException("--device cpu: this runs on GPUs only; use --device cuda");
      }
      return Kind.CPU;
    }
    DeviceProbe probe = Devices.probe();
    if (!probe.devices().isEmpty()) {
      return Kind.CUDA;
    }
    if (request == DeviceRequest.CUDA || !able.contains(Kind.CPU)) {
      // Summaries end with the processor as a way out.
      String but = able.contains(Kind.CPU) ? "" : ", where this cannot run: it needs a GPU";
      throw new QuantException("--device " + request.configName() + ": " + probe.summary() + but);
    }
    return Kind.CPU;
  }
}
