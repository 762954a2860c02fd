package org.sparkao.gpu.device;

import java.util.concurrent.atomic.AtomicBoolean;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;

/** Something of the driver that belongs to a device and is given back once. */
abstract class Owned implements AutoCloseable {
  private final CudaDevice device;
  private final AtomicBoolean closed = new AtomicBoolean();

  Owned(CudaDevice device) {
    this.device = device;
  }

  /** The device that gave it. */
  public final CudaDevice device() {
    return device;
  }

  /** Gives it back to the driver. Closing twice does nothing, nor after the device was closed. */
  @Override
  public final void close() {
    if (closed.compareAndSet(false, true) && device.forget(this)) {
      free();
    }
  }

  /** Refuses use after close. */
  final void requireOpen() {
    if (closed.get()) {
      throw new GpuException(GpuErrors.closed(this + " of " + device.info().label()));
    }
  }

  /** Gives it back; called once, while the device is open. */
  abstract void free();
}
