package org.sparkao.quant.scheme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.QuantException;

class TestSchemeParser {

  /** The same scheme, however it is written, has one name and is equal. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W4A16(group_size=128) | W4A16",
        "W4A16(granularity=group) | W4A16",
        "W4A16(group_size=64) | W4A16(group_size=64)",
        "w4a16 ( granularity=GROUP,group_size=64,) | W4A16(group_size=64)",
        "W4A16(symmetric=TRUE) | W4A16",
        "W4A16(symmetric=False) | W4A16_ASYM",
        "W4A16(symmetric=false, group_size=32) | W4A16_ASYM(group_size=32)",
        "W4A16_ASYM(symmetric=true) | W4A16",
        "W4A16(format=PACK-quantized) | W4A16",
        "W4A16(granularity=row) | W4A16(group_size=-1)",
        "W4A16(granularity=channel) | W4A16(group_size=-1)",
        "W4A16(granularity=row, group_size=-1) | W4A16(group_size=-1)",
        "W4A16(granularity=group, group_size=-1) | W4A16(group_size=-1)",
        "W8A16(granularity=tensor) | W8A16(granularity=tensor)",
        "FP8_DYNAMIC(granularity=row) | FP8_DYNAMIC",
        "FP8_DYNAMIC(group_size=-1) | FP8_DYNAMIC",
        "FP8_DYNAMIC(group_size=64) | FP8_DYNAMIC(group_size=64)",
        "FP8(granularity=channel) | FP8(granularity=row)",
        "FP8_BLOCK(granularity=block) | FP8_BLOCK",
        "FP8_BLOCK(granularity=block, group_size=64) | FP8_BLOCK(granularity=block, group_size=64)",
        "FP8_BLOCK(granularity=group, group_size=64) | FP8_BLOCK(granularity=group, group_size=64)",
        "8DA4W(granularity=group) | 8DA4W",
        "NVFP4A16(group_size=16) | NVFP4A16",
        "NVFP4A16(granularity=group) | NVFP4A16",
        "W8A8(symmetric=false, format=int-quantized) | W8A8(symmetric=false)",
        "W4AFP8(format=int-quantized) | W4AFP8(format=int-quantized)",
      })
  void equalSchemesHaveOneName(String text, String name) {
    QuantScheme scheme = Schemes.parse(text);
    assertThat(scheme.name()).isEqualTo(name);
    assertThat(Schemes.parse(name)).isEqualTo(scheme);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "W9A99 | unknown scheme \"W9A99\"; there are FP8, FP8_DYNAMIC, FP8A16, FP8_BLOCK, W8A8, W2A16",
        "W4A16(group_size=64 | is not NAME or NAME(key=value, ...), such as W4A16(group_size=64)",
        "W4A16(groupsize=64) | unknown parameter \"groupsize=64\"; there are [group_size,",
        "W4A16(64) | unknown parameter \"64\"; there are [group_size,",
        "W4A16(group_size=64, group_size=32) | group_size is given twice",
        "W4A16(group_size=many) | group_size many is not a whole number",
        "W4A16(group_size=0) | group_size 0; use a positive number, or -1 for one group a row",
        "W4A16(group_size=-2) | group_size -2; use a positive number, or -1 for one group a row",
        "W4A16(symmetric=maybe) | symmetric maybe; use true or false",
        "W4A16(granularity=cube) | granularity cube; there are tensor, row, group, block",
        "W4A16(format=zip) | format zip; there are int-quantized, pack-quantized,",
        "W4A16(format=float-quantized) | format float-quantized cannot hold INT4",
        "FP8_DYNAMIC(format=pack-quantized) | format pack-quantized cannot hold FLOAT8",
        "MXFP4A16(format=nvfp4-pack-quantized) | format nvfp4-pack-quantized cannot hold FLOAT4",
        "FP8_DYNAMIC(symmetric=false) | floating-point codes are symmetric",
        "NVFP4(group_size=32) | the group size of NVFP4 is part of its format: 16; leave it out",
        "MXFP8A16(group_size=-1) | the group size of MXFP8A16 is part of its format: 32",
        "W4A16(granularity=row, group_size=64) | granularity row has no group_size, but 64 is given",
        "W4A16(granularity=tensor, group_size=64) | granularity tensor has no group_size, but 64",
        "W4A16(granularity=tensor, group_size=-1) | granularity tensor has no group_size, but -1",
        "FP8_BLOCK(group_size=64) | group_size alone does not tell groups from blocks, which"
            + " FP8_BLOCK has; add granularity=block or granularity=group",
        "FP8_BLOCK(granularity=block, group_size=-1) | group_size -1 is one group a row and no"
            + " block",
      })
  void whatCannotBeIsRefused(String text, String said) {
    assertThatThrownBy(() -> Schemes.parse(text))
        .isInstanceOf(QuantException.class)
        .hasMessageContainingAll(text, said);
  }

  @Test
  void blocksAreSquares() {
    assertThat(Schemes.parse("W8A16(granularity=block)").weights().granularity())
        .isEqualTo(new Granularity.PerBlock(128, 128));
    assertThat(Schemes.parse("W8A16(granularity=block, group_size=32)").weights().granularity())
        .isEqualTo(new Granularity.PerBlock(32, 32));
  }

  @Test
  void minusOneIsOneGroupARow() {
    assertThat(Schemes.parse("W4A16(group_size=-1)").weights().granularity())
        .isEqualTo(new Granularity.PerRow());
  }
}
