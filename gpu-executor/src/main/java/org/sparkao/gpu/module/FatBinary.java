package org.sparkao.gpu.module;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What nvcc's fat binaries hold: a header of 16 bytes (magic, version, its length, length of the
 * rest), then images, each with a header that begins with its kind and has its own length, that of
 * the image, and at byte 28 the architecture as a number: 90 for 9.0. NVIDIA does not document it;
 * this is what nvcc 13.0 writes.
 */
final class FatBinary {
  private static final int MAGIC = 0xBA55ED50;
  private static final int HEADER_LENGTH_AT = 6;
  private static final int SMALLEST_IMAGE_HEADER = 32;
  private static final int IMAGE_HEADER_LENGTH_AT = 4;
  private static final int IMAGE_LENGTH_AT = 8;
  private static final int ARCHITECTURE_AT = 28;
  private static final int PTX = 1;

  private FatBinary() {}

  /**
   * The architectures of the images, in their order: {@code sm_90}, or {@code compute_80} for PTX.
   *
   * @throws IllegalArgumentException for other bytes
   */
  static List<String> architectures(byte[] file) {
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    if (file.length < Long.BYTES || bytes.getInt(0) != MAGIC) {
      throw new IllegalArgumentException("no fat binary: " + file.length + " bytes");
    }
    List<String> architectures = new ArrayList<>();
    long at = bytes.getShort(HEADER_LENGTH_AT);
    while (at + SMALLEST_IMAGE_HEADER <= file.length) {
      int image = (int) at;
      int number = bytes.getInt(image + ARCHITECTURE_AT);
      architectures.add((bytes.getShort(image) == PTX ? "compute_" : "sm_") + number);
      long length =
          bytes.getInt(image + IMAGE_HEADER_LENGTH_AT) + bytes.getLong(image + IMAGE_LENGTH_AT);
      if (length < SMALLEST_IMAGE_HEADER) {
        throw new IllegalArgumentException("a fat binary with an image of " + length + " bytes");
      }
      at += length;
    }
    return architectures;
  }
}
