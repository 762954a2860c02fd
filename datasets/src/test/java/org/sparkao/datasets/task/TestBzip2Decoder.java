package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Bytes packed by Python's bz2; many blocks: the HellaSwag file of {@link TestPrompts}. */
class TestBzip2Decoder {
  /** All 256 bytes, runs of 3, 4, 5, 259, 260 and 1,000; then a second stream of six bytes. */
  private static final String RUNS =
      "QlpoMTFBWSZTWfcwAJUAAAB/////////////////////////////////////////////sADLWyAAAAAAAAAAAmAA"
          + "AAAAAAAAATAAAAAAAAAAAAAAAAAACYCYSYACYAAmAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABiE0AAAAAIw"
          + "IwAAAAmjTBBiNNqeRGAAAAAAABNGATARgjTEwAgwAAAA0AAADmY2UEZWYHCAkKCwwNDg8QERITFBUWFxgZGhscHR"
          + "4fICEiIyQlJicoKSorLC0uLzAxMi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1"
          + "xdXl9gEdwoAUJBCgCAfeGEg9YkKAHCCgRgZCgBggYEO0gAABggIHw+LU1tja3N7g4uLk5ujq7O7w8vT2+Pr8/wED"
          + "BQcJCw0PERMVFxkbHR8hIyUnKSstLzEzNTc5Oz0/QUNFS01PUVNVV1lbXV9hY2VnaWttb3FzdXd5e31/gYOFh4mL"
          + "jY+Rk5WXmZudn6Gjpaepq62Rk5WXmZudn6Gjpaepq62vsPosXs7W3ubu9v8HDxcfJy83P0dPVKyZSD1y3Z293eLu"
          + "SKcKEh7mABKgQlpoOTFBWSZTWSaKAjQAAAKBgA4BiAAgACIYaDAHAphdyRThQkCaKAjQ";

  private static final byte[] PACKED = Base64.getDecoder().decode(RUNS);

  @Test
  void runsAndTwoStreams() throws Exception {
    byte[] bytes = Bzip2Decoder.decode(PACKED);
    assertThat(bytes).hasSize(1793);
    assertThat(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)))
        .isEqualTo("18598a6ca91212bf1abfa753c3fc2e44d2d296489d01962ee23a5a5b71328dd4");
  }

  @Test
  void emptyAndTiny() throws IOException {
    Base64.Decoder base64 = Base64.getDecoder();
    assertThat(Bzip2Decoder.decode(base64.decode("QlpoORdyRThQkAAAAAA="))).isEmpty();
    String tiny = "QlpoOTFBWSZTWSs+z38AAADAgAAQAEAgACEAgrF3JFOFCQKz7Pfw";
    assertThat(Bzip2Decoder.decode(base64.decode(tiny))).asString().isEqualTo("x\n");
  }

  @Test
  void whatIsDamagedIsRefused() {
    assertThatThrownBy(() -> Bzip2Decoder.decode("plain text".getBytes()))
        .isInstanceOf(IOException.class)
        .hasMessage("is not bzip2");
    for (int length = 0; length < PACKED.length; length += 37) {
      byte[] cut = Arrays.copyOf(PACKED, length);
      assertThatThrownBy(() -> Bzip2Decoder.decode(cut)).isInstanceOf(IOException.class);
    }
    for (int bit = 0; bit < 8 * 400; bit += 7) {
      byte[] flipped = PACKED.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      if (bit / 8 != 3) {
        assertThatThrownBy(() -> Bzip2Decoder.decode(flipped))
            .as("bit %s", bit)
            .isInstanceOf(IOException.class);
      }
    }
  }
}
