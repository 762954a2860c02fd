package org.sparkao.gpu.module;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.List;
import java.util.Objects;

/**
 * The native memory of one launch, as {@code cuda.h} lays it out: {@code CUlaunchConfig}, one
 * {@code CUlaunchAttribute}, the arguments in slots of 8 bytes, and the pointers to them. Reused by
 * a thread: the driver has read everything when the call returns.
 */
final class LaunchBlock {
  /** More than any kernel here takes. */
  static final int MOST_ARGUMENTS = 64;

  /** Of 8 bytes, for all arguments together. */
  static final int MOST_WORDS = 128;

  /** {@code CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION}. */
  private static final int DEPENDENT = 6;

  private static final long SHARED = 24;
  private static final long STREAM = 32;
  private static final long ATTRIBUTES = 40;
  private static final long ATTRIBUTE_COUNT = 48;
  private static final long CONFIGURATION_BYTES = 56;

  private static final long ATTRIBUTE = 64;
  private static final long ATTRIBUTE_VALUE = ATTRIBUTE + 8;
  private static final long ATTRIBUTE_BYTES = 72;

  private static final long SLOTS = ATTRIBUTE + ATTRIBUTE_BYTES;
  private static final long POINTERS = SLOTS + 8L * MOST_WORDS;
  private static final long BYTES = POINTERS + 8L * MOST_ARGUMENTS;

  private final Memory memory = new Memory(BYTES);
  private final Pointer arguments = memory.share(POINTERS);
  private final Pointer configuration = memory.share(0, CONFIGURATION_BYTES);
  private final long slots = Pointer.nativeValue(memory) + SLOTS;
  private final long[] values = new long[MOST_WORDS];
  private final long[] pointers = new long[MOST_ARGUMENTS];

  LaunchBlock() {
    memory.clear();
    memory.setInt(ATTRIBUTE, DEPENDENT);
    memory.setInt(ATTRIBUTE_VALUE, 1);
    memory.setPointer(ATTRIBUTES, memory.share(ATTRIBUTE, ATTRIBUTE_BYTES));
  }

  /**
   * Sets the configuration.
   *
   * @param sizes grid x, y, z and block x, y, z
   */
  void configure(int[] sizes, int sharedBytes, long stream, boolean dependent) {
    memory.write(0, sizes, 0, sizes.length);
    memory.setInt(SHARED, sharedBytes);
    memory.setLong(STREAM, stream);
    memory.setInt(ATTRIBUTE_COUNT, dependent ? 1 : 0);
  }

  /** Sets the arguments: the bytes of each begin at the low end of its first word. */
  void arguments(List<long[]> words) {
    Objects.checkFromIndexSize(0, words.size(), MOST_ARGUMENTS);
    int place = 0;
    for (int i = 0; i < words.size(); i++) {
      long[] argument = words.get(i);
      Objects.checkFromIndexSize(place, argument.length, MOST_WORDS);
      pointers[i] = slots + 8L * place;
      System.arraycopy(argument, 0, values, place, argument.length);
      place += argument.length;
    }
    // Two calls of native code, not two an argument.
    memory.write(SLOTS, values, 0, place);
    memory.write(POINTERS, pointers, 0, words.size());
  }

  /** The {@code CUlaunchConfig}. */
  Pointer configuration() {
    return configuration;
  }

  /** The pointers to the arguments. */
  Pointer arguments() {
    return arguments;
  }
}
