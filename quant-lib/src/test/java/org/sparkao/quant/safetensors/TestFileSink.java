package org.sparkao.quant.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestFileSink {
  private static final int PIECE_BYTES = 8 << 20;

  @TempDir private Path folder;

  /** Nine pieces of 8 MiB from the last to the first: the disk is fed twice in between. */
  @Test
  void keepsEveryPieceWhileTheDiskIsFed() throws IOException {
    Path file = folder.resolve("file");
    try (FileSink sink = FileSink.create(file)) {
      for (int i = 8; i >= 0; i--) {
        byte[] piece = new byte[PIECE_BYTES];
        ByteBuffer.wrap(piece).putInt(0, i).putInt(PIECE_BYTES - 4, -i);
        sink.write((long) i * PIECE_BYTES, piece, 0, PIECE_BYTES);
      }
      sink.commit();
    }
    assertThat(Files.size(file)).isEqualTo(9L * PIECE_BYTES);
    try (RandomAccessFile read = new RandomAccessFile(file.toFile(), "r")) {
      for (int i = 0; i < 9; i++) {
        read.seek((long) i * PIECE_BYTES);
        assertThat(read.readInt()).isEqualTo(i);
        read.seek((long) (i + 1) * PIECE_BYTES - 4);
        assertThat(read.readInt()).isEqualTo(-i);
      }
    }
  }

  @Test
  void neverTakesAFileThatIsThere() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    assertThatThrownBy(() -> FileSink.create(file)).isInstanceOf(FileAlreadyExistsException.class);
    assertThat(Files.readString(file)).isEqualTo("old");
  }

  @Test
  void cannotCommitAfterClosing() throws IOException {
    FileSink sink = FileSink.create(folder.resolve("file"));
    sink.close();
    assertThatThrownBy(sink::commit).isInstanceOf(ClosedChannelException.class);
  }
}
