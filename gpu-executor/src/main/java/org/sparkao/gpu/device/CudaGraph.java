package org.sparkao.gpu.device;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/**
 * Work that was captured once and is launched as a whole. It holds the addresses it was captured
 * with: the buffers must stay open as long as it is replayed, new input is written into them.
 */
public final class CudaGraph extends Owned {
  private final CUgraph graph;
  private final CUgraphExec executable;

  private CudaGraph(CudaDevice device, CUgraph graph, CUgraphExec executable) {
    super(device);
    this.graph = graph;
    this.executable = executable;
  }

  /** Captures what {@code work} launches into a stream, without running it. */
  static CudaGraph capture(CudaDevice device, CudaStream stream, Runnable work) {
    CUgraph graph = new CUgraph();
    device.call(
        "cuStreamBeginCapture",
        () ->
            JCudaDriver.cuStreamBeginCapture(
                stream.handle(), CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      abandon(device, stream, e);
      throw e;
    }
    device.call("cuStreamEndCapture", () -> JCudaDriver.cuStreamEndCapture(stream.handle(), graph));
    CUgraphExec executable = new CUgraphExec();
    try {
      device.call(
          "cuGraphInstantiate", () -> JCudaDriver.cuGraphInstantiate(executable, graph, 0L));
    } catch (RuntimeException e) {
      device.call("cuGraphDestroy", () -> JCudaDriver.cuGraphDestroy(graph));
      throw e;
    }
    return device.own(new CudaGraph(device, graph, executable));
  }

  /** Launches the captured work into the calling thread's stream. */
  public void replay() {
    requireOpen();
    CudaStream stream = device().stream();
    stream.launched(this);
    device().call("cuGraphLaunch", () -> JCudaDriver.cuGraphLaunch(executable, stream.handle()));
  }

  /** The stream leaves capture; what was captured so far is dropped. */
  private static void abandon(CudaDevice device, CudaStream stream, Throwable reason) {
    CUgraph partial = new CUgraph();
    try {
      device.call(
          "cuStreamEndCapture", () -> JCudaDriver.cuStreamEndCapture(stream.handle(), partial));
      device.call("cuGraphDestroy", () -> JCudaDriver.cuGraphDestroy(partial));
    } catch (RuntimeException e) {
      reason.addSuppressed(e);
    }
  }

  @Override
  void free() {
    try {
      device().call("cuGraphExecDestroy", () -> JCudaDriver.cuGraphExecDestroy(executable));
    } finally {
      device().call("cuGraphDestroy", () -> JCudaDriver.cuGraphDestroy(graph));
    }
  }

  @Override
  public String toString() {
    return "a captured graph";
  }
}
