package org.sparkao.quant.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.QuantException;

final class TestSafetensorsHeader {
  @Test
  void readsTensorsInTheOrderOfTheirBytes() throws IOException {
    String json =
        """
        {"b":{"dtype":"U8","shape":[],"data_offsets":[12,13]},
         "__metadata__":{"format":"pt"},
         "e":{"shape":[0,4],"dtype":"F32","data_offsets":[12,12]},
         "a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}}   \
        """;
    SafetensorsHeader header = SafetensorsHeader.read(MemorySource.of(json, 13));

    int data = 8 + json.length();
    assertThat(header.metadata()).isEqualTo(Map.of("format", "pt"));
    assertThat(header.dataBegin()).isEqualTo(data);
    assertThat(header.entries())
        .containsExactly(
            new TensorEntry("a", DType.BF16, List.of(2L, 3L), data, data + 12),
            new TensorEntry("e", DType.F32, List.of(0L, 4L), data + 12, data + 12),
            new TensorEntry("b", DType.U8, List.of(), data + 12, data + 13));
  }

  @Test
  void hashesLengthAndJson() throws IOException {
    // printf '\x02\0\0\0\0\0\0\0{}' | sha256sum
    assertThat(SafetensorsHeader.read(MemorySource.of("{}", 0)).sha256())
        .isEqualTo("411a485216e432ece6b9af94fa32154cf79a2a56d4f81266baa50063f45092bd");
  }

  /** The JSON of one tensor a, quotes left out; then bytes of data; then what is said. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{dtype:F32,shape:[2],data_offsets:[0,8]} | 7"
            + " | ends at byte 8 of the data, but the file holds only 7 bytes of data",
        "{dtype:F32,shape:[3],data_offsets:[0,8]} | 8"
            + " | has shape [3] of F32, which is 12 bytes, but data_offsets [0, 8] span 8",
        "{dtype:F32,shape:[4294967296,4294967296],data_offsets:[0,0]} | 0"
            + " | has shape [4294967296, 4294967296] of F32: long overflow",
        "{dtype:F64,shape:[2305843009213693952],data_offsets:[0,0]} | 0"
            + " | has shape [2305843009213693952] of F64: long overflow",
        "{dtype:F4,shape:[3],data_offsets:[0,2]} | 2 | 3 elements of F4 do not fill whole bytes",
        "{dtype:F32,shape:[-1],data_offsets:[0,4]} | 4 | has the negative number -1 in its shape",
        "{dtype:F32,shape:[1],data_offsets:[-4,0]} | 4"
            + " | has the negative number -4 in its data_offsets",
        "{dtype:F32,shape:[1],data_offsets:[4,0]} | 4"
            + " | has data_offsets [4, 0], not a begin and an end",
        "{dtype:F32,shape:[1],data_offsets:[0,4,4]} | 4"
            + " | has data_offsets [0, 4, 4], not a begin and an end",
        "{dtype:F31,shape:[1],data_offsets:[0,4]} | 4 | dtype F31 is unknown; known are [BOOL, F4,",
        "{dtype:F31,shape:[1],data_offsets:[0,4]} | 4"
            + " | ]; convert the tensor to one of them, or download the file again",
        "{dtype:F32,shape:[1.0],data_offsets:[0,4]} | 4"
            + " | has a shape that holds something else than whole numbers",
        "{dtype:F32,shape:1,data_offsets:[0,4]} | 4 | has a shape that is not an array",
        "{dtype:7,shape:[1],data_offsets:[0,4]} | 4 | has a dtype that is not a string",
        "{dtype:F32,shape:[1]} | 4 | lacks one of dtype, shape, data_offsets",
        "{dtype:F32,shape:[1],data_offsets:[0,4],extra:[]} | 4 | has the unknown field extra",
        "{dtype:F32,dtype:F32,shape:[1],data_offsets:[0,4]} | 4 | has the field dtype twice",
        "[] | 4 | is not described by a JSON object",
        "{dtype:F32,shape:[1],data_offsets:[4,8]} | 8"
            + " | begins at byte 66, but the tensor before it ends at byte 62: no tensor owns",
        "{dtype:U8,shape:[1],data_offsets:[0,9223372036854775807]} | 1"
            + " | ends at byte 9223372036854775807 of the data",
      })
  void refusesOneTensor(String tensor, int dataBytes, String expected) {
    String json = "{\"a\":" + tensor.replaceAll("([A-Za-z][A-Za-z_0-9]*)", "\"$1\"") + "}";
    refused(json, dataBytes, "a in a.safetensors: ", expected);
  }

  @Test
  void refusesShapesOfTooManyNumbers() {
    refused(
        "{\"a\":{\"shape\":[" + "1,".repeat(64) + "1]}}",
        0,
        "a in a.safetensors: has a shape of more than 64 numbers");
  }

  @Test
  void refusesOverlapAndRepetition() {
    String tensor = "{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[%d,%d]}";
    refused(
        "{\"a\":" + tensor.formatted(0, 4) + ",\"b\":" + tensor.formatted(2, 6) + "}",
        6,
        "b in a.safetensors: begins at byte ",
        " inside the tensor before it");
    refused(
        "{\"a\":" + tensor.formatted(0, 4) + ",\"a\":" + tensor.formatted(4, 8) + "}",
        8,
        "a in a.safetensors: is listed twice");
    refused(
        "{\"a\":" + tensor.formatted(0, 4) + "}",
        7,
        "a.safetensors: has 3 bytes after its last tensor; copy or download the file again");
  }

  @Test
  void refusesMetadataThatIsNoObjectOfStrings() {
    refused("{\"__metadata__\":[]}", 0, "__metadata__ is not an object of strings");
    refused("{\"__metadata__\":{\"k\":1}}", 0, "__metadata__.k is not a string");
    refused("{\"__metadata__\":{\"k\":\"\",\"k\":\"\"}}", 0, "__metadata__.k is there twice");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "has __metadata__ twice");
  }

  @Test
  void refusesWhatIsNoJsonObject() {
    refused("[]", 0, "a.safetensors: its header is not a JSON object; copy or download");
    refused("", 0, "its header is not a JSON object");
    refused("{} {}", 0, "its header goes on after the JSON object");
    refused("{\"a\":", 0, "its header is not the JSON of safetensors: Unexpected end-of-input");
    byte[] latin = MemorySource.file("{\"?\":{}}", 0);
    latin[10] = (byte) 0xE9;
    assertThatThrownBy(() -> SafetensorsHeader.read(new MemorySource("a.safetensors", latin)))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("a.safetensors: its header is not UTF-8");
  }

  @Test
  void refusesJsonBombs() {
    refused("{\"a\":{\"shape\":" + "[".repeat(1_000_000), 0, "holds something else than whole");
    refused("{\"__metadata__\":{\"k\":\"" + "x".repeat(21_000_000) + "\"}}", 0, "maximum allowed");
    refused("{\"" + "x".repeat(100_000) + "\":{}}", 0, "maximum allowed");
    refused(
        "{\"a\":{\"shape\":[" + "9".repeat(1_000_000) + "]}}", 0, "a in a.saf", "maximum allowed");
    refused(
        "{\"a\":{\"shape\":[99999999999999999999]}}",
        0,
        "a in a.safetensors: has a number beyond 64 bits in its shape");
    refused("{\"a\":{\"shape\":[1e999999999]}}", 0, "something else than whole numbers");
  }

  @Test
  void refusesLengthsThatDoNotFit() {
    byte[] file = MemorySource.file("{}", 0);
    refused(Arrays.copyOf(file, 7), "a.safetensors: is 7 bytes long, too short for a header");
    refused(Arrays.copyOf(file, 9), "its header is 2 bytes long, but only 1 bytes follow");
    refused(
        withLength(file, 100_000_001), "100000001 bytes long, more than the limit of 100000000");
    refused(withLength(file, -1), "18446744073709551615 bytes long, more than the limit");
  }

  private static byte[] withLength(byte[] file, long length) {
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
    return file.clone();
  }

  private static void refused(String json, int dataBytes, String... expected) {
    refused(MemorySource.file(json, dataBytes), expected);
  }

  private static void refused(byte[] file, String... expected) {
    assertThatThrownBy(() -> SafetensorsHeader.read(new MemorySource("a.safetensors", file)))
        .as(new String(file, 0, Math.min(200, file.length), StandardCharsets.ISO_8859_1))
        .isInstanceOf(QuantException.class)
        .hasMessageContainingAll(expected)
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(2_000));
  }
}
