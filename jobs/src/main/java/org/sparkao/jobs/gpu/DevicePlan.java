package org.sparkao.jobs.gpu;

import java.util.Map;
import org.sparkao.gpu.device.DeviceInfo;

/** What is known of a run's device before Spark runs. */
public sealed interface DevicePlan {

  /** One line for the plan. */
  String text();

  /** Whether GPUs compute, as far as is known. */
  boolean mayUseGpus();

  /** Settings that Spark must be started with, beside those that it was told; may be none. */
  Map<String, String> sparkSettings();

  /**
   * Nothing is open.
   *
   * @param device what computes
   * @param sparkSettings see {@link DevicePlan#sparkSettings()}
   */
  record Decided(PlannedDevice device, Map<String, String> sparkSettings) implements DevicePlan {
    /** Freezes the settings. */
    public Decided {
      sparkSettings = Map.copyOf(sparkSettings);
    }

    @Override
    public String text() {
      return device.text();
    }

    @Override
    public boolean mayUseGpus() {
      return device.kind() == DeviceInfo.Kind.CUDA;
    }
  }

  /**
   * Executors ask for GPUs, and must say whether they can use what they got: see {@link
   * ExecutorGpus#decide}.
   *
   * @param request auto or cuda
   * @param sparkSettings see {@link DevicePlan#sparkSettings()}
   */
  record AskExecutors(DeviceRequest request, Map<String, String> sparkSettings)
      implements DevicePlan {
    /** Freezes the settings. */
    public AskExecutors {
      sparkSettings = Map.copyOf(sparkSettings);
    }

    @Override
    public boolean mayUseGpus() {
      return true;
    }

    @Override
    public String text() {
      return request == DeviceRequest.CUDA
          ? "device: cuda, if the executors can use the GPUs they ask for; else refused"
          : "device: auto, cuda if the executors can use the GPUs they ask for, else cpu";
    }
  }
}
