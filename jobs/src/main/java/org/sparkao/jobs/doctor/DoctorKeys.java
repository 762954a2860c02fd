package org.sparkao.jobs.doctor;

import java.util.List;
import org.sparkao.jobs.config.ConfigKey;
import org.sparkao.jobs.gpu.DeviceRequest;

/** What {@code doctor} can be told. */
final class DoctorKeys {
  static final ConfigKey<String> CHECKPOINT =
      ConfigKey.text("checkpoint", "URI", "A checkpoint whose files and headers are to be read.");
  static final ConfigKey<DeviceRequest> DEVICE =
      ConfigKey.choice(
              "device",
              DeviceRequest.class,
              DeviceRequest::configName,
              "What is to compute: without a GPU cuda fails, auto warns, cpu does not look.")
          .withDefault(DeviceRequest.AUTO.configName());
  static final ConfigKey<String> JSON =
      ConfigKey.output("json", "FILE", "Also writes what was found as JSON, by URI or path.");

  private DoctorKeys() {}

  static List<ConfigKey<?>> all() {
    return List.of(CHECKPOINT, DEVICE, JSON);
  }
}
