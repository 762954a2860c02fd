package org.sparkao.quant.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.quant.QuantException;

final class TestShardWriter {
  private static final ShardHeader HEADER =
      ShardHeader.of(
          List.of(
              new TensorSpec("codes", DType.U8, List.of(3L)),
              new TensorSpec("scale", DType.BF16, List.of(1L))),
          ShardHeader.PYTORCH);

  @TempDir Path folder;

  @Test
  void laysOutByTypeThenName() {
    ShardHeader header =
        ShardHeader.of(
            List.of(
                new TensorSpec("b", DType.F32, List.of(1L)),
                new TensorSpec("\uFFFD", DType.U8, List.of()),
                new TensorSpec("\uD83D\uDE00", DType.U8, List.of()),
                new TensorSpec(
                    "quote\" back\\ tab\t bell\u0007 us\u001f e\u00e9", DType.I64, List.of(0L)),
                new TensorSpec("a", DType.F32, List.of(1L, 2L))),
            Map.of("format", "pt"));

    String json =
        "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"quote\\\" back\\\\ tab\\t bell\\u0007 us\\u001f e\u00e9\":"
            + "{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[0,0]},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
            + "\"\uFFFD\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[12,13]},"
            + "\"\uD83D\uDE00\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[13,14]}}";
    byte[] bytes = header.bytes();
    String written = new String(bytes, 8, bytes.length - 8, StandardCharsets.UTF_8);
    assertThat(written).startsWith(json);
    assertThat(written.substring(json.length())).isBlank().hasSizeLessThan(8);
    assertThat(bytes.length % 8).isZero();
    assertThat(header.fileBytes()).isEqualTo(bytes.length + 14);
  }

  @Test
  void fillsTensorsInTurns() throws IOException {
    Path file = folder.resolve("a.safetensors");
    List<WrittenTensor> written;
    try (FileSink sink = FileSink.create(file)) {
      ShardWriter writer = new ShardWriter(sink, HEADER);
      writer.append("codes", new byte[] {9, 1, 2}, 1, 2);
      writer.append("scale", new byte[] {7, 8}, 0, 2);
      writer.append("codes", new byte[] {3}, 0, 1);
      written = writer.finish();
    }

    int data = HEADER.bytes().length;
    byte[] bytes = Files.readAllBytes(file);
    assertThat(bytes).hasSize(data + 5).endsWith(7, 8, 1, 2, 3);
    // printf '\x07\x08' | sha256sum; printf '\x01\x02\x03' | sha256sum
    assertThat(written)
        .containsExactly(
            new WrittenTensor(
                "scale",
                data,
                2,
                "bd7c250566c6e99f47c174b589b7551f8b0e930ed056511d1e8f653bc71d3c4a"),
            new WrittenTensor(
                "codes",
                data + 2,
                3,
                "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"));
  }

  @Test
  void refusesToFinishWithoutAllBytes() throws IOException {
    try (FileSink sink = FileSink.create(folder.resolve("a.safetensors"))) {
      ShardWriter writer = new ShardWriter(sink, HEADER);
      writer.append("scale", new byte[2], 0, 2);
      writer.append("codes", new byte[2], 0, 2);
      assertThatThrownBy(writer::finish)
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("codes lacks its last 1 bytes");
      assertThatThrownBy(() -> writer.append("codes", new byte[2], 0, 2))
          .hasMessage("codes: 2 bytes do not fit, 1 are left");
      assertThatThrownBy(() -> writer.append("other", new byte[2], 0, 2))
          .hasMessage("other is not in the header of this file");
    }
  }

  @Test
  void refusesTwoTensorsOfOneName() {
    TensorSpec spec = new TensorSpec("a", DType.U8, List.of());
    assertThatThrownBy(() -> ShardHeader.of(List.of(spec, spec), Map.of()))
        .isInstanceOf(QuantException.class)
        .hasMessage("a: two tensors of one file have this name; rename one of them");
  }

  @Test
  void doesNotOverwriteFiles() throws IOException {
    Path file = Files.createFile(folder.resolve("a.safetensors"));
    assertThatThrownBy(() -> FileSink.create(file)).isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void saysWhereAFileEnds() throws IOException {
    Path file = Files.write(folder.resolve("short"), new byte[5]);
    try (FileSource source = FileSource.open(file)) {
      assertThatThrownBy(() -> source.readFully(3, new byte[9], 0, 9))
          .isInstanceOf(QuantException.class)
          .hasMessage(
              file
                  + ": ends at byte 5 where 7 more were expected; it is truncated or was changed,"
                  + " copy it again");
    }
  }
}
