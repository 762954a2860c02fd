package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;
import org.sparkao.jobs.job.TinyCheckpoint;
import org.sparkao.jobs.quantize.QuantizeJob;
import org.sparkao.jobs.spark.SparkLease;
import org.sparkao.quant.QuantException;

class TestVerifyJob {
  @TempDir private static Path folder;
  private static SparkLease spark;

  @BeforeAll
  static void quantize() throws Exception {
    spark = SparkLease.open(JobRun.config(new VerifyJob()), "test");
    TinyCheckpoint.copyTo(folder.resolve("source"));
    JobRun.of(
        new QuantizeJob(),
        "checkpoint",
        folder.resolve("source").toString(),
        "output",
        folder.resolve("W4A16").toString(),
        "scheme",
        "W4A16",
        "tables",
        folder.resolve("tables").toString());
  }

  @AfterAll
  static void stop() {
    spark.close();
  }

  private static JobRun verify(Path checkpoint, String... more) throws Exception {
    String[] options = new String[4 + more.length];
    options[0] = "checkpoint";
    options[1] = checkpoint.toString();
    options[2] = "tables";
    options[3] = folder.resolve("tables").toString();
    System.arraycopy(more, 0, options, 4, more.length);
    return JobRun.of(new VerifyJob(), options);
  }

  /** 7 quantized modules of 3 tensors, embedding, norm and head: 24 tensors. */
  @Test
  void acceptsWhatQuantizeWrote() throws Exception {
    JobRun run = verify(folder.resolve("W4A16"));
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.lines().get(0)).endsWith("W4A16: 24 tensors, 7 quantized modules");
    assertThat(run.lines().get(1)).startsWith("hashes: 24 tensors compared with run quantize-");
    assertThat(run.lines()).endsWith("vLLM: ok", "transformers: ok");
  }

  @Test
  void findsAChangedByte() throws Exception {
    Path copy = folder.resolve("changed");
    copyFolder(folder.resolve("W4A16"), copy);
    try (RandomAccessFile file =
        new RandomAccessFile(copy.resolve("model.safetensors").toFile(), "rw")) {
      file.seek(file.length() - 1);
      int last = file.read();
      file.seek(file.length() - 1);
      file.write(last ^ 1);
    }
    JobRun run = verify(copy);
    assertThat(run.code()).isEqualTo(ExitCode.REFUSED);
    assertThat(run.out())
        .containsOnlyOnce("has other bytes than run quantize-")
        .contains("copy the file again from where it was written, or quantize again")
        .contains("vLLM: not fit to load, 1 error");
  }

  /** Another name in the header, of the same length: one tensor is gone, one nobody wrote. */
  @Test
  void findsATensorThatIsGoneAndOneThatNobodyWrote() throws Exception {
    Path copy = folder.resolve("renamed");
    copyFolder(folder.resolve("W4A16"), copy);
    Path file = copy.resolve("model.safetensors");
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    assertThat(text).containsOnlyOnce("\"model.norm.weight\"");
    Files.writeString(
        file,
        text.replace("\"model.norm.weight\"", "\"model.nOrm.weight\""),
        StandardCharsets.ISO_8859_1);

    JobRun run = verify(copy);

    assertThat(run.code()).isEqualTo(ExitCode.REFUSED);
    assertThat(run.out().replaceAll("\\s+", " "))
        .containsPattern("model\\.norm\\.weight:? was written by run quantize-\\S+ and is gone")
        .containsPattern("model\\.nOrm\\.weight:? was not written by run quantize-\\S+")
        .contains("find out who added it, or quantize again into another folder");
  }

  @Test
  void saysThatHashesOfStrangersAreNotChecked() throws Exception {
    JobRun run = verify(folder.resolve("source"));
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.lines().get(1))
        .isEqualTo("hashes: not checked, the folder does not say that sparkao wrote it");
  }

  @Test
  void saysThatTheTablesDoNotKnowTheRun() throws Exception {
    Path nowhere = folder.resolve("no-tables");
    JobRun run =
        JobRun.of(
            new VerifyJob(),
            "checkpoint",
            folder.resolve("W4A16").toString(),
            "tables",
            nowhere.toString());
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.lines().get(1))
        .matches("hashes: not checked, run quantize-\\S+ is not in the tables at " + nowhere);
  }

  /** 128 columns of o and down on two devices are half a group of 128 each. */
  @Test
  void endsWithTwoWhenLayersCannotBeShared() throws Exception {
    JobRun run = verify(folder.resolve("W4A16"), "tensor-parallel", "2");
    assertThat(run.code()).isEqualTo(ExitCode.REFUSED);
    assertThat(run.out()).contains("vLLM: not fit to load, 3 errors").contains("transformers: ok");
  }

  @Test
  void refusesANumberOfDevicesThatIsNone() {
    assertThatThrownBy(() -> verify(folder.resolve("W4A16"), "tensor-parallel", "0"))
        .isInstanceOf(QuantException.class)
        .hasMessage("--tensor-parallel 0: use a whole number from 1 to 9999");
  }

  private static void copyFolder(Path from, Path to) throws Exception {
    Files.createDirectories(to);
    try (var files = Files.list(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }
}
