package org.sparkao.quant.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.Granularity.PerRow;
import org.sparkao.quant.scheme.Granularity.PerTensor;
import org.sparkao.quant.scheme.QuantArgs;
import org.sparkao.quant.scheme.QuantArgs.Kind;
import org.sparkao.quant.scheme.QuantArgs.ScaleKind;
import org.sparkao.quant.scheme.QuantArgs.Timing;

/** Cases from the validators of compressed-tensors 0.18, quant_args.py. */
class TestArgsReader {
  private final List<Finding> findings = new ArrayList<>();

  private Optional<QuantArgs> read(String json) {
    return ArgsReader.read("weights", ConfigText.parse(json), findings);
  }

  @Test
  void readsIntegerGroups() {
    assertThat(read("{" + ConfigText.INT4_GROUP128 + ", \"zp_dtype\": null}"))
        .contains(
            new QuantArgs(
                Kind.INT, 4, true, new PerGroup(128), Timing.STATIC, ScaleKind.WEIGHT_DTYPE));
    assertThat(findings).isEmpty();
  }

  @Test
  void readsBlocksAndLocalScales() {
    assertThat(
            read(
                "{\"num_bits\": 8, \"type\": \"float\", \"strategy\": \"block\","
                    + " \"block_structure\": [128, 64]}"))
        .map(QuantArgs::granularity)
        .contains(new PerBlock(128, 64));
    assertThat(
            read(
                "{\"num_bits\": 4, \"type\": \"float\", \"strategy\": \"tensor_group\","
                    + " \"group_size\": 16, \"dynamic\": \"local\"}"))
        .contains(
            new QuantArgs(
                Kind.FLOAT, 4, true, new PerGroup(16), Timing.LOCAL, ScaleKind.E4M3_WITH_GLOBAL));
    assertThat(findings).isEmpty();
  }

  @Test
  void infersTheStrategyThatIsLeftOut() {
    assertThat(read("{\"num_bits\": 8}")).map(QuantArgs::granularity).contains(new PerTensor());
    assertThat(read("{\"group_size\": -1}")).map(QuantArgs::granularity).contains(new PerRow());
    assertThat(read("{\"group_size\": 32}")).map(QuantArgs::granularity).contains(new PerGroup(32));
    assertThat(findings).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'num_bits': 8, 'color': 1}|unknown field color",
        "{'strategy': 'token'}|strategy token is not dynamic",
        "{'strategy': 'group'}|strategy group with group_size",
        "{'strategy': 'channel', 'group_size': 64}|group_size 64 with strategy channel",
        "{'strategy': 'block'}|strategy block with block_structure",
        "{'strategy': 'tensor', 'block_structure': [1, 2]}|strategy tensor with block_structure [1,2]",
        "{'strategy': 'block', 'block_structure': [128]}|block_structure is [128]",
        "{'strategy': 'group', 'group_size': 32, 'dynamic': 'local'}|dynamic \"local\" with strategy group",
        "{'strategy': 'channel', 'dynamic': true}|dynamic with strategy channel",
        "{'strategy': 'channel', 'actorder': 'group'}|actorder group with strategy channel",
        "{'strategy': 'row'}|strategy is row",
        "{'type': 'complex'}|type is complex",
        "{'num_bits': 9}|num_bits is 9 for type INT",
        "{'num_bits': 6, 'type': 'float'}|num_bits is 6 for type FLOAT",
        "{'num_bits': 8, 'type': 'float', 'symmetric': false}|float codes are not symmetric",
        "{'dynamic': 'sometimes'}|dynamic is \"sometimes\"",
        "17|is 17, not an object"
      },
      quoteCharacter = '`')
  void refusesWhatTheReaderRefuses(String json, String what) {
    assertThat(read(json.replace('\'', '"'))).isEmpty();
    assertThat(findings)
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.ERROR);
              assertThat(finding.subject()).isEqualTo("weights");
              assertThat(finding.what()).startsWith(what);
            });
  }

  @Test
  void warnsAboutAnObserverOfDynamicScales() {
    assertThat(read("{\"strategy\": \"token\", \"dynamic\": true, \"observer\": \"minmax\"}"))
        .isPresent();
    assertThat(findings)
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.severity()).isEqualTo(Severity.WARNING);
              assertThat(finding.what()).contains("an observer, \"minmax\"");
            });
  }
}
