package org.sparkao.jobs.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.delta.kernel.types.StringType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.jobs.table.Column;
import org.sparkao.jobs.table.DeltaStore;
import org.sparkao.jobs.table.Table;

/** Bad input ends with exit code 2 and a message that helps, before Spark or any output. */
class TestRefusals {
  private static final String MODEL = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final Command command = new Command();

  /** Spoils a good checkpoint. */
  @FunctionalInterface
  interface Damage {
    void to(Path checkpoint) throws IOException;
  }

  /** A way to be bad, and what the message must say. */
  record Case(String what, Damage damage, String scheme, List<String> said) {
    @Override
    public String toString() {
      return what;
    }
  }

  static Stream<Case> cases() {
    return Stream.concat(badHeaders(), badCheckpoints());
  }

  private static Stream<Case> badHeaders() {
    return Stream.of(
        header(
            "overlapping offsets",
            entry("a.weight", 0, 8) + "," + entry("b.weight", 4, 12),
            12,
            "b.weight in ",
            ": begins at byte ",
            " inside the tensor before it, which ends at byte ",
            "; copy or download the file again"),
        header(
            "out-of-range offsets",
            entry("a.weight", 0, 8) + "," + entry("b.weight", 8, 800),
            16,
            "b.weight in ",
            "/model.safetensors: ends at byte 800 of the data, but the file holds only 16 bytes of"
                + " data: it is truncated; copy or download the file again"),
        header(
            "shape that does not multiply",
            "\"a.weight\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,8]}",
            8,
            "a.weight",
            "[2, 3]"),
        header(
            "duplicate names",
            entry("a.weight", 0, 8) + "," + entry("a.weight", 8, 16),
            16,
            "a.weight in ",
            "/model.safetensors: is listed twice; copy or download the file again"),
        header(
            "tensor name that leaves the folder",
            entry("../../etc/a.weight", 0, 8),
            8,
            "\"../../etc/a.weight\" in ",
            "/model.safetensors: is no name for a tensor (empty, a path out of its folder, or with"
                + " control characters); do not use this file"),
        header(
            "unknown dtype",
            "\"a.weight\":{\"dtype\":\"F7\",\"shape\":[2,2],\"data_offsets\":[0,8]}",
            8,
            "a.weight",
            "F7"),
        header(
            "JSON bomb",
            "\"a\":" + "[".repeat(100_000),
            8,
            "a in ",
            "/model.safetensors: is not described by a JSON object; copy or download the file"
                + " again"),
        header(
            "JSON bomb inside an entry",
            "\"a\":{\"shape\":" + "[".repeat(100_000),
            8,
            "a in ",
            "/model.safetensors: has a shape that holds something else than whole numbers; copy or"
                + " download the file again"));
  }

  private static Stream<Case> badCheckpoints() {
    return Stream.of(
        damaged("truncated shard", TestRefusals::truncate, MODEL, "truncated"),
        damaged(
            "header longer than the file",
            folder -> headerLength(folder, 90_000_000),
            MODEL,
            "90000000 bytes long"),
        damaged(
            "header length beyond all bounds",
            folder -> headerLength(folder, Long.MAX_VALUE),
            MODEL,
            "9223372036854775807"),
        damaged(
            "index naming a missing shard",
            folder -> index(folder, "model-00001-of-00002.safetensors"),
            INDEX,
            "missing"),
        damaged(
            "index leaving the folder",
            folder -> index(folder, "../elsewhere.safetensors"),
            INDEX,
            "elsewhere"),
        new Case(
            "group size that does not divide",
            folder -> {},
            "W4A16(group_size=96)",
            List.of("model.layers.{0-1}.mlp.down_proj", "group size 96", "32, 64")),
        new Case("scheme that needs input scales", folder -> {}, "FP8", List.of("--calibration")),
        new Case("unknown scheme", folder -> {}, "W9A99", List.of("W9A99", "W4A16")),
        damaged(
            "checkpoint that is quantized already",
            folder ->
                Files.writeString(
                    folder.resolve("config.json"),
                    "{\"quantization_config\": {\"quant_method\": \"gptq\"}}"),
            "already quantized",
            "gptq"),
        damaged(
            "config that is no JSON",
            folder -> Files.writeString(folder.resolve("config.json"), "{"),
            "config.json"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void isRefused(Case bad, @TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(2, 128, 256));
    bad.damage().to(source);
    Path output = temp.resolve("output");

    ExitCode code = command.quantize(source, output, "--scheme", bad.scheme());

    assertThat(code).as(command.err()).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains(bad.said());
    assertThat(output).doesNotExist();
    assertThat(temp.resolve("tables")).doesNotExist();
  }

  @Test
  void allOffendersAreInOneMessage(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(3, 96, 192));
    assertThat(command.quantize(source, temp.resolve("output"), "--scheme", "W4A16"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains(
            "model.layers.{0-2}.self_attn.k_proj",
            "model.layers.{0-2}.mlp.down_proj",
            "in model.safetensors: rows of 192, 96 weights",
            "group sizes that divide all rows of this scheme: 16, 24, 32, 48, 96;",
            "use group_size=32");
  }

  @Test
  void outputOfAnotherKindIsLeftAlone(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    Path output = Files.createDirectories(temp.resolve("output"));
    Files.writeString(output.resolve("diary.txt"), "mine");
    assertThat(command.quantize(source, output, "--scheme", "W4A16")).isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains(output + ": is not empty (diary.txt)");
    assertThat(Command.contents(output)).containsOnlyKeys("diary.txt");
  }

  @Test
  void tablesOfALaterVersionAreRefusedAtPlanning(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    Path tables = temp.resolve("later");
    List<Column> columns =
        List.of(
            new Column("run_id", StringType.STRING, "as here"),
            new Column("of_later", StringType.STRING, "unknown here"));
    new DeltaStore(Storage.ofAssignments(List.of()), tables.toString())
        .append(new Table("tensors", "of later", columns), List.of(List.of("x", "y")), "x", 0);
    assertThat(
            command.quantize(
                source, temp.resolve("output"), "--scheme", "W4A16", "--set", "tables=" + tables))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("tensors: has a column of_later", "give other --tables");
    assertThat(temp.resolve("output")).doesNotExist();
  }

  @Test
  void outputInsideTheCheckpointIsRefused(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    assertThat(command.quantize(source, source.resolve("q"), "--scheme", "W4A16"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("lies in the checkpoint that is read");
    assertThat(source.resolve("q")).doesNotExist();
  }

  @Test
  void noSpaceIsFoundAtPlanning(@TempDir Path temp) throws IOException {
    Path source = Files.createDirectories(temp.resolve("source"));
    String header = "{" + entry("a.weight", 0, 1L << 42, "[2097152,1048576]") + "}";
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    try (RandomAccessFile file = new RandomAccessFile(source.resolve(MODEL).toFile(), "rw")) {
      file.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
      file.write(json);
      try {
        file.setLength(8 + json.length + (1L << 42));
      } catch (IOException e) {
        Assumptions.abort("no sparse files of four terabytes here");
      }
    }
    assertThat(command.quantize(source, temp.resolve("output"), "--scheme", "W8A8"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err()).contains("no space left");
    assertThat(temp.resolve("output")).doesNotExist();
  }

  @Test
  void fusedLayersMustAgree(@TempDir Path temp) throws IOException {
    Path source = Checkpoints.write(temp.resolve("source"), Checkpoints.llama(1, 128, 256));
    assertThat(
            command.quantize(
                source, temp.resolve("output"), "--scheme", "W4A16", "--rule", "k_proj=W8A16"))
        .isEqualTo(ExitCode.REFUSED);
    assertThat(command.err())
        .contains("layers that loaders fuse must have one scheme", "k_proj W8A16", "q_proj");
  }

  private static Case damaged(String what, Damage damage, String... said) {
    return new Case(what, damage, "W4A16", List.of(said));
  }

  private static Case header(String what, String entries, long dataBytes, String... said) {
    return new Case(
        what,
        folder -> writeHeader(folder, "{" + entries + "}", dataBytes),
        "W4A16",
        Stream.concat(Stream.of(MODEL), Stream.of(said)).toList());
  }

  private static String entry(String name, long begin, long end) {
    return entry(name, begin, end, "[2,2]");
  }

  private static String entry(String name, long begin, long end, String shape) {
    return "\""
        + name
        + "\":{\"dtype\":\"BF16\",\"shape\":"
        + shape
        + ",\"data_offsets\":["
        + begin
        + ","
        + end
        + "]}";
  }

  private static void writeHeader(Path folder, String json, long dataBytes) throws IOException {
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(Math.toIntExact(8 + text.length + dataBytes))
            .order(ByteOrder.LITTLE_ENDIAN);
    Files.write(folder.resolve(MODEL), file.putLong(text.length).put(text).array());
  }

  private static void truncate(Path folder) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(folder.resolve(MODEL).toFile(), "rw")) {
      file.setLength(file.length() - 1);
    }
  }

  private static void headerLength(Path folder, long length) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(folder.resolve(MODEL).toFile(), "rw")) {
      file.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
    }
  }

  private static void index(Path folder, String file) throws IOException {
    Files.writeString(
        folder.resolve(INDEX),
        "{\"metadata\":{},\"weight_map\":{\"model.norm.weight\":\"" + file + "\"}}");
  }
}
