package org.sparkao.jobs.doctor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.sparkao.jobs.doctor.Finding.Level;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;

/**
 * Spark's settings as far as this program depends on them: Kryo, which it sets itself, and GPUs.
 *
 * @param settings all of them, as jobs will see them
 * @param device what the plan of a job makes of them, or its refusal
 */
record SettingsCheck(Map<String, String> settings, Supplier<String> device) implements Check {
  private static final String SERIALIZER = "spark.serializer";
  private static final String KRYO = "org.apache.spark.serializer.KryoSerializer";
  private static final String REGISTRATION = "spark.kryo.registrationRequired";
  private static final List<String> SCRIPTS =
      List.of(
          "spark.executor.resource.gpu.discoveryScript",
          "spark.worker.resource.gpu.discoveryScript");

  @Override
  public String subject() {
    return "settings";
  }

  @Override
  public List<Finding> look() {
    List<Finding> findings = new ArrayList<>(List.of(kryo(), plan()));
    SCRIPTS.forEach(name -> script(name).ifPresent(findings::add));
    return findings;
  }

  private Finding kryo() {
    String serializer = settings.getOrDefault(SERIALIZER, KRYO);
    if (!serializer.equals(KRYO)) {
      return replaced(SERIALIZER, serializer);
    }
    String registration = settings.getOrDefault(REGISTRATION, "true");
    return registration.equals("true")
        ? Finding.ok("kryo", "only registered classes")
        : replaced(REGISTRATION, registration);
  }

  private static Finding replaced(String name, String value) {
    return Finding.warn(
        "kryo",
        name + "=" + value + " is not kept: jobs use Kryo with registered classes only",
        "leave " + name + " out; where it comes from spark-defaults.conf, others may need it");
  }

  private Finding plan() {
    try {
      return Finding.ok("device", device.get());
    } catch (QuantException e) {
      return Finding.of(Level.FAIL, "device", e.getMessage(), "see conf/gpu.md");
    }
  }

  private Optional<Finding> script(String name) {
    Optional<Path> script = Optional.ofNullable(settings.get(name)).flatMap(Storage::localPath);
    return script
        .filter(file -> !Files.isExecutable(file))
        .map(
            file ->
                Finding.warn(
                    "device",
                    name + "=" + file + ": no program of this machine",
                    "name conf/gpu-discovery.sh by its path on the machines of the workers, and"
                        + " make it executable there (chmod +x)"));
  }
}
