package org.sparkao.jobs.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestIndexMetadata {
  private static final int PIECES = 1_000;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      value = {
        "{'metadata':{'total_size':16},'weight_map':{'a':'b'}} | 16",
        "{'weight_map':{'total_size':'b'},'metadata':{'x':{'total_size':1},'total_size':7}} | 7",
        "{'metadata':{'total_size':'16'}} | 16",
        "{'metadata':{'total_size':[16]}} | no number",
        "{'metadata':{}} | none",
        "{'metadata':[{'total_size':1}]} | none",
        "{'metadata':7} | none",
        "{'weight_map':{}} | none",
      })
  void readsTheTotalSize(String json, String size) throws IOException {
    IndexMetadata read = IndexMetadata.read(stream(json.replace('\'', '"')));
    if (size == null) {
      assertThat(read.totalSize()).isEmpty();
    } else {
      assertThat(read.totalSize()).contains(size);
    }
  }

  /** A tree of these hundred million arrays would take several times the heap of a test. */
  @Test
  void aBombIsNoTree() throws IOException {
    byte[] piece = "[],".repeat(100_000).getBytes(StandardCharsets.UTF_8);
    List<InputStream> pieces = new ArrayList<>();
    pieces.add(stream("{\"metadata\":{\"bomb\":["));
    for (int i = 0; i < PIECES; i++) {
      pieces.add(new ByteArrayInputStream(piece));
    }
    pieces.add(stream("1],\"total_size\":5}}"));

    IndexMetadata read =
        IndexMetadata.read(new SequenceInputStream(Collections.enumeration(pieces)));

    assertThat(read.totalSize()).contains("5");
  }

  @Test
  void depthHasALimit() {
    assertThatThrownBy(() -> IndexMetadata.read(stream("{\"a\":" + "[".repeat(100_000))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("nesting depth");
    assertThatThrownBy(() -> IndexMetadata.read(stream("[]")))
        .hasMessage("an index that is no JSON object");
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }
}
