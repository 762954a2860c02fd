package org.sparkao.quant.llamacpp;

import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.safetensors.DType;

/**
 * A tensor of a GGUF file.
 *
 * @param file that holds it
 * @param tensor name, shape and type
 * @param begin first byte in the file
 * @param headRows rows of a head whose two halves are interleaved; 0 for rows as they are
 */
record StoredTensor(String file, GgufTensor tensor, long begin, int headRows) {

  /** What it is read as: plain numbers as they are, blocks as fp32. */
  DType dtype() {
    return switch (tensor.type()) {
      case F16 -> DType.F16;
      case BF16 -> DType.BF16;
      default -> DType.F32;
    };
  }

  /** Whether its numbers stand one by one. */
  boolean plain() {
    GgufType type = tensor.type();
    return type == GgufType.F32 || type == GgufType.F16 || type == GgufType.BF16;
  }

  int columns() {
    return Math.toIntExact(tensor.shape().get(tensor.shape().size() - 1));
  }

  long rows() {
    return tensor.bytes() / rowBytes();
  }

  /** Bytes of a row in the file. */
  int rowBytes() {
    return Math.toIntExact(tensor.type().bytes(columns()));
  }

  /** The row in the file that is row {@code row} of the weight. */
  long fileRow(long row) {
    if (headRows == 0) {
      return row;
    }
    long within = row % headRows;
    int half = headRows / 2;
    return row - within + within % half * 2 + within / half;
  }
}
