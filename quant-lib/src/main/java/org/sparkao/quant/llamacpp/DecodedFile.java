package org.sparkao.quant.llamacpp;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparkao.quant.checkpoint.CheckpointFiles;
import org.sparkao.quant.gguf.RowDecoder;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/**
 * The safetensors file that a model would be, its numbers decoded when they are read. Memory: half
 * a MiB of blocks, or a head of them, and one row of numbers.
 */
final class DecodedFile implements ByteSource {
  private static final int PIECE_BYTES = 1 << 19;

  private final CheckpointFiles files;
  private final String location;
  private final byte[] header;
  private final List<TensorEntry> entries;
  private final Map<String, StoredTensor> tensors;
  private final long size;
  private final Map<String, ByteSource> open = new HashMap<>();

  /** A file whose tensors lie where {@code header} says, by their names in it. */
  DecodedFile(
      CheckpointFiles files,
      String location,
      ShardHeader header,
      Map<String, StoredTensor> tensors) {
    this.files = files;
    this.location = location;
    this.header = header.bytes();
    this.entries = header.entries();
    this.tensors = tensors;
    this.size = header.fileBytes();
  }

  @Override
  public String location() {
    return location;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void readFully(long position, byte[] buffer, int offset, int length) throws IOException {
    if (position < 0 || length > size - position) {
      throw new EOFException(location + ": ends at byte " + size);
    }
    long at = position;
    int done = 0;
    if (at < header.length) {
      done = (int) Math.min(length, header.length - at);
      System.arraycopy(header, (int) at, buffer, offset, done);
      at += done;
    }
    while (done < length) {
      TensorEntry entry = at(at);
      int count = (int) Math.min(length - done, entry.end() - at);
      read(tensors.get(entry.name()), at - entry.begin(), buffer, offset + done, count);
      at += count;
      done += count;
    }
  }

  /** The tensor that a byte belongs to. */
  private TensorEntry at(long position) {
    int low = 0;
    int high = entries.size() - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (entries.get(middle).end() <= position) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return entries.get(low);
  }

  private void read(StoredTensor tensor, long begin, byte[] buffer, int offset, int length)
      throws IOException {
    ByteSource source = source(tensor.file());
    if (tensor.plain() && tensor.headRows() == 0) {
      source.readFully(tensor.begin() + begin, buffer, offset, length);
      return;
    }
    Rows rows = new Rows(tensor);
    long end = begin + length;
    for (long row = begin / rows.bytes; row * rows.bytes < end; row++) {
      byte[] decoded = rows.read(source, row, (end - 1) / rows.bytes);
      long rowBegin = row * rows.bytes;
      int from = (int) Math.max(0, begin - rowBegin);
      int to = (int) Math.min(rows.bytes, end - rowBegin);
      System.arraycopy(decoded, from, buffer, offset + (int) (rowBegin + from - begin), to - from);
    }
  }

  private ByteSource source(String file) throws IOException {
    ByteSource source = open.get(file);
    if (source == null) {
      source = files.open(file);
      open.put(file, source);
    }
    return source;
  }

  @Override
  public void close() throws IOException {
    for (ByteSource source : open.values()) {
      source.close();
    }
    open.clear();
  }

  /** Reads a tensor row by row, in the order of the weight. */
  private static final class Rows {
    private final StoredTensor tensor;
    private final int bytes;
    private final int fileBytes;
    private final RowDecoder decoder;
    private final float[] values;
    private final byte[] row;
    private final ByteBuffer floats;
    private byte[] piece = new byte[0];
    private long pieceBegin;
    private long pieceEnd;

    private Rows(StoredTensor tensor) {
      this.tensor = tensor;
      this.bytes = Math.toIntExact(tensor.dtype().bytes(tensor.columns()));
      this.fileBytes = tensor.rowBytes();
      this.decoder = tensor.tensor().type().decoder();
      this.values = new float[tensor.columns()];
      this.row = new byte[bytes];
      this.floats = ByteBuffer.wrap(row).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A row, of which the bytes are valid until the next one; up to {@code last} are wanted. */
    private byte[] read(ByteSource source, long wanted, long last) throws IOException {
      long fileRow = tensor.fileRow(wanted);
      if (fileRow < pieceBegin || fileRow >= pieceEnd) {
        fill(source, wanted, last);
      }
      int at = Math.toIntExact((fileRow - pieceBegin) * fileBytes);
      if (tensor.plain()) {
        System.arraycopy(piece, at, row, 0, bytes);
      } else {
        decoder.decode(piece, at, values, values.length);
        floats.asFloatBuffer().put(values);
      }
      return row;
    }

    private void fill(ByteSource source, long wanted, long last) throws IOException {
      int head = tensor.headRows();
      pieceBegin = head == 0 ? wanted : wanted - wanted % head;
      long most = head == 0 ? Math.max(1, PIECE_BYTES / fileBytes) : head;
      pieceEnd = head == 0 ? Math.min(last + 1, pieceBegin + most) : pieceBegin + head;
      int length = Math.toIntExact((pieceEnd - pieceBegin) * fileBytes);
      if (piece.length < length) {
        piece = new byte[length];
      }
      source.readFully(tensor.begin() + pieceBegin * fileBytes, piece, 0, length);
    }
  }
}
