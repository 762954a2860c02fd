package org.sparkao.jobs.generate.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.jobs.generate.plan.Prompt;

/** Parts, and what is said of them. */
class TestSampleParts {
  @ParameterizedTest
  @CsvSource({"1, 1", "10, 3", "10, 10", "10, 40", "1000, 7"})
  void partsHoldEverySampleOnce(int samples, int wanted) {
    List<Prompt> prompts = Collections.nCopies(samples, new Prompt(new int[] {1}, "", -1));
    List<SamplePart> parts = SamplePart.cut(prompts, wanted);
    assertThat(parts).hasSize(Math.min(samples, wanted));
    int next = 0;
    for (int i = 0; i < parts.size(); i++) {
      SamplePart part = parts.get(i);
      assertThat(part.index()).isEqualTo(i);
      assertThat(part.firstSample()).isEqualTo(next);
      assertThat(part.prompts().size())
          .isBetween(samples / parts.size(), (samples + parts.size() - 1) / parts.size());
      next += part.prompts().size();
    }
    assertThat(next).isEqualTo(samples);
    assertThat(parts.get(0).file()).isEqualTo("part-00000.parquet");
  }

  @Test
  void theLineSaysTokensASecondAndWhatIsLeft() {
    assertThat(GenerateProgress.line(0, 4000, 0, 3))
        .isEqualTo("  0%  0 of 4,000 samples, 0 tokens/s");
    assertThat(GenerateProgress.line(1000, 4000, 500_000, 2.5))
        .isEqualTo(" 25%  1,000 of 4,000 samples, 200,000 tokens/s, 7.5 s left");
    assertThat(GenerateProgress.line(0, 0, 0, 0)).startsWith("100%");
  }
}
