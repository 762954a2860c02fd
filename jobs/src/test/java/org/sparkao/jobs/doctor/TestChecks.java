package org.sparkao.jobs.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.doctor.Finding.Level;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;

/** What checks say about machines that are not well. */
class TestChecks {
  private static final Libraries BUILT = new Libraries("4.2.0", "2.13", "4.4.0", "3.5.0");
  private static final long GIGABYTES = 1L << 30;

  @TempDir private Path folder;

  private static Finding only(List<Finding> findings) {
    assertThat(findings).hasSize(1);
    return findings.get(0);
  }

  private static Finding of(List<Finding> findings, String subject) {
    return only(findings.stream().filter(one -> one.subject().equals(subject)).toList());
  }

  private Path file(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.createFile(file);
  }

  @Test
  void javaWithoutVectorsFails() {
    Finding finding = only(new JavaCheck("17.0.15", "/java", false, 2 * GIGABYTES).look());
    assertThat(finding.level()).isEqualTo(Level.FAIL);
    assertThat(finding.fix()).contains("--add-modules=jdk.incubator.vector");
  }

  @Test
  void aSmallHeapIsAWarning() {
    Finding finding = only(new JavaCheck("17.0.15", "/java", true, GIGABYTES / 2).look());
    assertThat(finding.level()).isEqualTo(Level.WARN);
    assertThat(finding.text()).isEqualTo("17.0.15 in /java, heap of 537 MB");
    assertThat(finding.fix()).contains("SPARKAO_MEMORY=2g");
  }

  /** Versions of Spark, Scala, Delta and Hadoop that are found. */
  @ParameterizedTest
  @CsvSource({
    "spark, 4.1.1 2.13.16 4.4.0 3.5.0, FAIL, use Spark 4.2 with Scala 2.13",
    "scala, 4.2.0 2.12.20 4.4.0 3.5.0, FAIL, use Spark 4.2 with Scala 2.13",
    "delta, 4.2.0 2.13.16 4.0.0 3.5.0, FAIL, take the delta-kernel jars out of SPARK_HOME/jars",
    "hadoop, 4.2.0 2.13.16 4.4.0 3.4.1, WARN, use the Spark that brings its own Hadoop",
    "hadoop, 4.2.0 2.13.16 4.4.0 2.10.0, WARN, use the Spark that brings its own Hadoop",
  })
  void otherLibrariesAreNamed(String subject, String versions, Level level, String fix) {
    String[] found = versions.split(" ");
    LibrariesCheck check =
        new LibrariesCheck(new Libraries(found[0], found[1], found[2], found[3]), BUILT);
    Finding finding = of(check.look(), subject);
    assertThat(finding.level()).isEqualTo(level);
    assertThat(finding.fix()).startsWith(fix);
    assertThat(check.look()).filteredOn(one -> one.level() != Level.OK).containsExactly(finding);
  }

  @Test
  void laterReleasesOfALineAreWell() {
    assertThat(
            new LibrariesCheck(new Libraries("4.2.3", "2.13.18", "4.4.0", "3.6.1"), BUILT).look())
        .allMatch(finding -> finding.level() == Level.OK);
  }

  @Test
  void aSparkHomeWithoutSparkFails() throws IOException {
    Finding finding = only(new SparkHomeCheck(Optional.of("/nothing"), BUILT).look());
    assertThat(finding.text()).isEqualTo("/nothing holds no jars/spark-core_*.jar");
    assertThat(finding.fix()).contains("pip install pyspark==4.2.0", "or unset it");
  }

  @Test
  void aSparkHomeOfAnotherLineFails() throws IOException {
    file("jars/spark-core_2.12-3.5.6.jar");
    Finding finding = only(new SparkHomeCheck(Optional.of(folder.toString()), BUILT).look());
    assertThat(finding.text()).isEqualTo(folder + ": Spark 3.5.6, Scala 2.12");
    assertThat(finding.fix()).isEqualTo("use Spark 4.2 with Scala 2.13, or unset SPARK_HOME");
  }

  @Test
  void aSparkHomeWithAnotherDeltaOrWithoutSubmitFails() throws IOException {
    file("jars/spark-core_2.13-4.2.1.jar");
    file("jars/delta-kernel-api-4.0.0.jar");
    List<Finding> findings = new SparkHomeCheck(Optional.of(folder.toString()), BUILT).look();
    assertThat(findings).extracting(Finding::level).containsExactly(Level.FAIL, Level.FAIL);
    assertThat(findings.get(0).text()).endsWith("without a program bin/spark-submit");
    assertThat(findings.get(1).fix()).startsWith("take delta-kernel-api-4.0.0.jar");
    assertThat(file("bin/spark-submit").toFile().setExecutable(true)).isTrue();
    Files.delete(folder.resolve("jars/delta-kernel-api-4.0.0.jar"));
    assertThat(only(new SparkHomeCheck(Optional.of(folder.toString()), BUILT).look()).level())
        .isEqualTo(Level.OK);
  }

  @Test
  void theProgramsOwnFolderNeedsNoSubmit() throws IOException {
    file("jars/spark-core_2.13-4.2.1.jar");
    file("jvm.options");
    assertThat(only(new SparkHomeCheck(Optional.of(folder.toString()), BUILT).look()).level())
        .isEqualTo(Level.OK);
  }

  @Test
  void readsTheProcessorsFlags() {
    assertThat(
            ProcessorCheck.flags(List.of("processor : 0", "flags\t\t: fpu avx2  fma", "flags: x")))
        .containsExactlyInAnyOrder("fpu", "avx2", "fma");
    assertThat(ProcessorCheck.flags(List.of("Features\t: fp asimd"))).contains("asimd");
    assertThat(ProcessorCheck.flags(List.of("cpu : POWER9"))).isEmpty();
  }

  @Test
  void narrowVectorsAndLittleMemoryAreWarnings() {
    List<Finding> findings =
        new ProcessorCheck("aarch64", Set.of("asimd"), 2, 2 * GIGABYTES).look();
    assertThat(findings).extracting(Finding::level).containsOnly(Level.WARN);
    assertThat(of(findings, "processor").text()).isEqualTo("aarch64, asimd, cores: 2");
    assertThat(of(findings, "processor").fix()).contains("use one with AVX2, or GPUs");
    assertThat(of(findings, "memory").fix()).contains("--master 'local[1]'");
  }

  @Test
  void settingsThatAreNotKeptAreTold() {
    Finding java =
        of(
            settings(Map.of("spark.serializer", "org.apache.spark.serializer.JavaSerializer")),
            "kryo");
    assertThat(java.level()).isEqualTo(Level.WARN);
    assertThat(java.fix()).startsWith("leave spark.serializer out");
    Finding open = of(settings(Map.of("spark.kryo.registrationRequired", "false")), "kryo");
    assertThat(open.text()).startsWith("spark.kryo.registrationRequired=false is not kept");
  }

  private static List<Finding> settings(Map<String, String> settings) {
    return new SettingsCheck(settings, () -> "device: cpu (as asked)").look();
  }

  @Test
  void aDiscoveryScriptMustBeAProgram() throws IOException {
    Path script = file("gpu-discovery.sh");
    Map<String, String> settings =
        Map.of("spark.executor.resource.gpu.discoveryScript", script.toString());
    List<Finding> findings = settings(settings);
    assertThat(findings).extracting(Finding::level).contains(Level.WARN);
    assertThat(findings.get(2).fix()).contains("conf/gpu-discovery.sh", "chmod +x");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    assertThat(settings(settings)).extracting(Finding::level).containsOnly(Level.OK);
  }

  @Test
  void amountsThatAreRefusedFail() {
    SettingsCheck check =
        new SettingsCheck(
            Map.of(),
            () -> {
              throw new QuantException("spark.task.resource.gpu.amount=2: more than one; use 1");
            });
    Finding finding = of(check.look(), "device");
    assertThat(finding.level()).isEqualTo(Level.FAIL);
    assertThat(finding.text()).isEqualTo("spark.task.resource.gpu.amount=2: more than one");
    assertThat(finding.fix()).isEqualTo("use 1");
  }

  @Test
  void disksWithoutRoomOrRightsAreTold() throws IOException {
    assertThat(only(new DiskCheck(Set.of(folder), 0).look()).level()).isEqualTo(Level.OK);
    Finding full = only(new DiskCheck(Set.of(folder), Long.MAX_VALUE).look());
    assertThat(full.level()).isEqualTo(Level.WARN);
    assertThat(full.fix()).startsWith("free some: up to ");
    Finding absent = only(new DiskCheck(Set.of(folder.resolve("absent")), 0).look());
    assertThat(absent.level()).isEqualTo(Level.FAIL);
    assertThat(absent.fix()).contains("spark.local.dir");
  }

  @Test
  void looksAtTheFoldersOfSparkToo() {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    assertThat(DiskCheck.of(Map.of(), Map.of("spark.local.dir", "/a, /b")).folders())
        .containsExactly(temporary, Path.of("/a"), Path.of("/b"));
    assertThat(
            DiskCheck.of(Map.of("SPARK_LOCAL_DIRS", "/c"), Map.of("spark.local.dir", "/a"))
                .folders())
        .containsExactly(temporary, Path.of("/c"));
  }

  @Test
  void tablesThatCannotBeWrittenFail() throws IOException {
    Path occupied = file("occupied");
    Storage storage = Storage.ofAssignments(List.of());
    Finding finding = new TablesCheck(storage, occupied.toString()).look().get(0);
    assertThat(finding.level()).isEqualTo(Level.FAIL);
    assertThat(finding.fix())
        .startsWith("name another folder than " + occupied + " by --tables, or give this user");
  }

  @Test
  void aFileSystemThatNobodyKnowsNeedsItsConnector() throws IOException {
    Storage storage = Storage.ofAssignments(List.of());
    for (Finding finding :
        List.of(
            only(new CheckpointCheck(storage, "nosuch://bucket/model").look()),
            only(new TablesCheck(storage, "nosuch://bucket/tables").look()))) {
      assertThat(finding.level()).isEqualTo(Level.FAIL);
      assertThat(finding.text()).contains("No FileSystem for scheme \"nosuch\"");
      assertThat(finding.fix()).startsWith("add the connector of this file system for Hadoop 3.");
    }
  }

  @Test
  void onlyOwnMessagesEndWithTheirFix() {
    assertThat(Finding.failed("x", new IOException("403 (Service: S3; Code: 7)"), "look"))
        .isEqualTo(Finding.fail("x", "403 (Service: S3; Code: 7)", "look"));
    assertThat(Finding.failed("x", new QuantException("no file; name one"), "look"))
        .isEqualTo(Finding.fail("x", "no file", "name one"));
  }

  @Test
  void executorsThatCannotWorkAreNamed() {
    SparkCheck check = new SparkCheck(JobRun.config(new DoctorJob()), () -> null, "/model", 1);
    List<Finding> findings =
        check.findings(
            "spark://host:7077",
            List.of(
                new ExecutorFacts("0", "one", "17.0.1", true, GIGABYTES, ""),
                new ExecutorFacts("0", "one", "17.0.1", true, GIGABYTES, ""),
                new ExecutorFacts("1", "two", "17.0.1", false, GIGABYTES, ""),
                new ExecutorFacts("2", "three", "17.0.1", true, GIGABYTES, "no /model")));
    assertThat(findings)
        .extracting(Finding::level)
        .containsExactly(Level.OK, Level.FAIL, Level.FAIL, Level.OK);
    assertThat(findings.get(0).text())
        .isEqualTo("executor 0 on one: Java 17.0.1, heap of 1.07 GB, reads the checkpoint");
    assertThat(findings.get(1).fix()).contains("spark.executor.extraJavaOptions");
    assertThat(findings.get(2).text())
        .isEqualTo("executor 2 on three cannot read the checkpoint: no /model");
    assertThat(findings.get(2).fix()).startsWith("put it where all machines see it");
  }
}
