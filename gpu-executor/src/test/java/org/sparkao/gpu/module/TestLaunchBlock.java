package org.sparkao.gpu.module;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Pointer;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Offsets are those of cuda.h on a 64-bit machine. */
class TestLaunchBlock {
  private final LaunchBlock block = new LaunchBlock();

  @Test
  void laysOutTheConfiguration() {
    block.configure(new int[] {1, 2, 3, 4, 5, 6}, 7, 0x1234567890L, true);
    Pointer configuration = block.configuration();
    assertThat(configuration.getIntArray(0, 7)).containsExactly(1, 2, 3, 4, 5, 6, 7);
    assertThat(configuration.getLong(32)).isEqualTo(0x1234567890L);
    assertThat(configuration.getInt(48)).isEqualTo(1);
    Pointer attribute = configuration.getPointer(40);
    assertThat(attribute.getInt(0)).isEqualTo(6);
    assertThat(attribute.getInt(8)).isEqualTo(1);
    block.configure(new int[] {1, 1, 1, 1, 1, 1}, 0, 1, false);
    assertThat(configuration.getInt(48)).isZero();
  }

  @Test
  void pointsAtTheArguments() {
    Launch.Arguments arguments = new Launch.Arguments();
    arguments.add(-1L, 8);
    arguments.add(Integer.toUnsignedLong(-2), 4);
    arguments.add(Float.floatToRawIntBits(1.5f), 4);
    arguments.copyTo(block);
    Pointer pointers = block.arguments();
    assertThat(pointers.getPointer(0).getLong(0)).isEqualTo(-1);
    assertThat(pointers.getPointer(8).getInt(0)).isEqualTo(-2);
    assertThat(pointers.getPointer(16).getFloat(0)).isEqualTo(1.5f);
    arguments.copyTo(block);
    assertThat(pointers.getPointer(16).getFloat(0)).isEqualTo(1.5f);
  }

  @Test
  void wideArgumentsMoveThoseBehindThem() {
    Launch.Arguments arguments = new Launch.Arguments();
    long[] wide = new long[16];
    wide[15] = 7;
    arguments.add(5, 4);
    arguments.add(wide, 128);
    arguments.add(6, 8);
    arguments.copyTo(block);
    Pointer pointers = block.arguments();
    assertThat(pointers.getPointer(0).getInt(0)).isEqualTo(5);
    assertThat(pointers.getPointer(8).getLongArray(0, 16)).isEqualTo(wide);
    assertThat(pointers.getPointer(16).getLong(0)).isEqualTo(6);
  }

  @Test
  void refusesMoreThanThereIsRoomFor() {
    List<long[]> many = Collections.nCopies(LaunchBlock.MOST_ARGUMENTS + 1, new long[1]);
    assertThatThrownBy(() -> block.arguments(many)).isInstanceOf(IndexOutOfBoundsException.class);
    List<long[]> wide = List.of(new long[LaunchBlock.MOST_WORDS], new long[1]);
    assertThatThrownBy(() -> block.arguments(wide)).isInstanceOf(IndexOutOfBoundsException.class);
  }
}
