package org.sparkao.jobs.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.sparkao.gpu.device.Devices;
import org.sparkao.jobs.config.CommonKeys;
import org.sparkao.jobs.config.Config;
import org.sparkao.jobs.gpu.DevicePlan;
import org.sparkao.jobs.gpu.DevicePlanner;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.jobs.gpu.SparkSettings;
import org.sparkao.jobs.storage.Storage;

/** Everything that is looked at, in the order of the report. */
final class Checks {
  /** There with the driver's kernel module, in containers too. */
  private static final Path SIGN_OF_A_GPU = Path.of("/dev/nvidiactl");

  /** An operation that every build with kernels has. */
  static final String KERNELS = "quantize";

  private static final int WAIT_SECONDS = 60;

  private Checks() {}

  /** Those of this machine, with what the user named. */
  static List<Check> all(Config config) throws IOException {
    Map<String, String> settings = SparkSettings.of(config);
    DeviceRequest request = config.value(DoctorKeys.DEVICE);
    Storage storage = Storage.ofAssignments(config.all(CommonKeys.CONF));
    Optional<String> checkpoint = config.find(DoctorKeys.CHECKPOINT);
    Supplier<DevicePlan> device =
        () -> new DevicePlanner(KERNELS).plan(request, config, Optional::empty);
    List<Check> checks =
        new ArrayList<>(
            List.of(
                JavaCheck.ofThis(),
                libraries(),
                new SparkHomeCheck(
                    Optional.ofNullable(System.getenv("SPARK_HOME")), Libraries.ofBuild()),
                ProcessorCheck.ofThis(),
                new GpuCheck(
                    request,
                    Files.exists(SIGN_OF_A_GPU),
                    GpuBuild.ofThis(),
                    Devices::probe,
                    new GpuTrial.Addition()),
                new SettingsCheck(settings, () -> device.get().text()),
                DiskCheck.of(System.getenv(), settings),
                new TablesCheck(storage, config.value(CommonKeys.TABLES))));
    checkpoint.ifPresent(uri -> checks.add(new CheckpointCheck(storage, uri)));
    // Executors work in other folders: what is relative to this one they are told as a whole.
    String whole =
        checkpoint.map(uri -> Storage.localPath(uri).map(Path::toString).orElse(uri)).orElse("");
    checks.add(new SparkCheck(config, device, whole, WAIT_SECONDS));
    return checks;
  }

  private static Check libraries() {
    try {
      return new LibrariesCheck(Libraries.ofClassPath(), Libraries.ofBuild());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("Delta's kernel does not tell its version", e);
    }
  }
}
