package org.sparkao.quant.gguf;

import java.util.Optional;
import java.util.function.Supplier;
import org.sparkao.quant.format.WeightType;

/**
 * The types of tensors that are written and read, with their number in the file. A row [K] is cut
 * into blocks of {@link #blockSize} values, each of {@link #blockBytes} bytes.
 *
 * <p>Source: ggml's enumeration {@code ggml_type} and its block layouts.
 */
public enum GgufType {
  F32(0, 1, 4, () -> new PlainNumbers(WeightType.F32)),
  F16(1, 1, 2, () -> new PlainNumbers(WeightType.F16)),
  Q4_0(2, 32, 18, () -> new SymmetricBlock(4, BlockLoops.choose())),
  Q4_1(3, 32, 20, () -> new OffsetBlock(4)),
  Q5_0(6, 32, 22, () -> new SymmetricBlock(5, BlockLoops.choose())),
  Q5_1(7, 32, 24, () -> new OffsetBlock(5)),
  Q8_0(8, 32, 34, () -> new ByteBlock(BlockLoops.choose())),
  Q2_K(10, 256, 84, TwoBitSuperBlock::new),
  Q3_K(11, 256, 110, ThreeBitSuperBlock::new),
  Q4_K(12, 256, 144, () -> new OffsetSuperBlock(4, BlockLoops.choose())),
  Q5_K(13, 256, 176, () -> new OffsetSuperBlock(5, BlockLoops.choose())),
  Q6_K(14, 256, 210, () -> new SixBitSuperBlock(BlockLoops.choose())),
  IQ4_NL(20, 32, 18, UnevenBlock::new),
  IQ4_XS(23, 256, 136, UnevenSuperBlock::new),
  BF16(30, 1, 2, () -> new PlainNumbers(WeightType.BF16)),
  TQ2_0(35, 256, 66, TernaryBlock::new);

  private final int number;
  private final int blockSize;
  private final int blockBytes;
  private final Supplier<Block> blocks;

  GgufType(int number, int blockSize, int blockBytes, Supplier<Block> blocks) {
    this.number = number;
    this.blockSize = blockSize;
    this.blockBytes = blockBytes;
    this.blocks = blocks;
  }

  /** What stands for it in a file. */
  public int number() {
    return number;
  }

  /** Values of a block. */
  public int blockSize() {
    return blockSize;
  }

  /** Bytes of a block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether rows of this length are whole blocks. */
  public boolean fits(long columns) {
    return columns % blockSize == 0;
  }

  /** Bytes of so many values, which fill whole blocks. */
  public long bytes(long values) {
    if (!fits(values)) {
      throw new IllegalArgumentException(values + " values are not whole blocks of " + this);
    }
    return Math.multiplyExact(values / blockSize, (long) blockBytes);
  }

  /** A new encoder, for one thread. */
  public RowEncoder encoder() {
    return new RowEncoder(this, blocks.get(), Optional.empty());
  }

  /**
   * A new encoder of rows whose columns do not count alike, for one thread.
   *
   * @param importance mean of x^2 of the input by column, [K]
   */
  public RowEncoder encoder(float[] importance) {
    return new RowEncoder(this, blocks.get(), Optional.of(new Importance(importance.clone())));
  }

  /** A new decoder, for one thread. */
  public RowDecoder decoder() {
    return new RowDecoder(this, blocks.get());
  }
}
