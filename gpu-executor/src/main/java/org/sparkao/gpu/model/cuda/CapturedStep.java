package org.sparkao.gpu.model.cuda;

import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.CudaGraph;
import org.sparkao.gpu.model.DecodeStep;

/**
 * A step of decoding as one graph. The first run launches, so that all kernels are loaded; the
 * second captures.
 */
final class CapturedStep implements DecodeStep {
  private final CudaDevice device;
  private final Runnable launches;
  private boolean launched;
  private CudaGraph graph;

  CapturedStep(CudaDevice device, Runnable launches) {
    this.device = device;
    this.launches = launches;
  }

  @Override
  public void run() {
    if (!launched) {
      launched = true;
      launches.run();
      return;
    }
    if (graph == null) {
      graph = device.capture(launches);
    }
    graph.replay();
  }

  @Override
  public void close() {
    if (graph != null) {
      graph.close();
    }
  }
}
