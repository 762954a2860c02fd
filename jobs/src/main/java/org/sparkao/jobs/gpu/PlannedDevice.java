package org.sparkao.jobs.gpu;

import java.io.Serializable;
import java.util.Locale;
import java.util.Objects;
import org.sparkao.gpu.device.DeviceInfo.Kind;

/**
 * What computes in a run. Decided once, and the same for all its tasks. Travels to the executors.
 *
 * @param kind processor or GPU
 * @param why how it came to that, for people
 */
public record PlannedDevice(Kind kind, String why) implements Serializable {

  /** All parts are given. */
  public PlannedDevice {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(why, "why");
  }

  /** The processor. */
  public static PlannedDevice processor(String why) {
    return new PlannedDevice(Kind.CPU, why);
  }

  /** {@code cpu} or {@code cuda}. */
  public String name() {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** One line for the plan and the log. */
  public String text() {
    return "device: " + name() + " (" + why + ")";
  }
}
