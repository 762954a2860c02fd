package org.sparkao.quant.safetensors;

import java.util.Arrays;
import java.util.Optional;

/**
 * Element types of a safetensors file, in the order of the reference library: files list their
 * tensors by descending type, then by name, so that every tensor is aligned without padding.
 *
 * <p>Source: the safetensors format description, field {@code dtype}.
 */
public enum DType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private final int bits;

  DType(int bits) {
    this.bits = bits;
  }

  /** Bits of one element; 4 and 6 for the sub-byte types. */
  public int bits() {
    return bits;
  }

  /** Bytes of {@code elements} elements; refuses a count that does not fill its last byte. */
  public long bytes(long elements) {
    long total = Math.multiplyExact(elements, (long) bits);
    if (total % 8 != 0) {
      throw new IllegalArgumentException(
          elements + " elements of " + this + " do not fill whole bytes");
    }
    return total / 8;
  }

  /** The type a header names, empty when it is none that this library knows. */
  public static Optional<DType> forName(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }
}
