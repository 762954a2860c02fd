package org.sparkao.jobs.describe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkao.jobs.table.RunRow;

class TestHtmlReport {

  private static Document page(RunDescription run) {
    return Jsoup.parse(HtmlReport.render(run));
  }

  private static RunDescription of(TensorResult... tensors) {
    return new RunDescription(RunFixture.row("quantize-1", RunRow.Status.DONE), List.of(tensors));
  }

  private static String card(Document page, String label) {
    return page.select(".card").stream()
        .filter(card -> card.select(".label").text().equals(label))
        .map(card -> card.select(".value").text() + " | " + card.select(".note").text())
        .findFirst()
        .orElseThrow();
  }

  /** 7 x 2^21 bytes become 7 x 557056; 2048 for the norm, 2^24 for the embedding stay. */
  @Test
  void showsTheFigures() {
    Document page = page(RunFixture.llama(1));
    assertThat(page.select("h1").text()).isEqualTo("quantize-1");
    assertThat(card(page, "Size")).isEqualTo("20.7 MB | from 31.5 MB, 65.7 %");
    assertThat(card(page, "Bits per weight"))
        .isEqualTo("4.25 | in quantized tensors; 10.52 over all");
    assertThat(card(page, "Mean SQNR")).isEqualTo("21.2 dB | over 7 measured");
    assertThat(card(page, "Worst SQNR"))
        .isEqualTo("20.0 dB | model.layers.0.self_attn.q_proj.weight");
    assertThat(card(page, "Quantized tensors")).isEqualTo("7 | 2 copied unchanged");
  }

  @Test
  void listsTheWorstTensorFirstAndAtMostTwenty() {
    Document page = page(RunFixture.llama(4));
    assertThat(page.select("#worst tbody tr")).hasSize(20);
    assertThat(page.select("#worst tbody tr").first().select("td").eachText())
        .containsExactly(
            "model.layers.3.mlp.down_proj.weight",
            "W4A16",
            "16.7 dB",
            "0.500",
            "0.0300",
            "0.00200",
            "0.100 %");
  }

  @Test
  void saysWhatWasCopiedAndWhy() {
    Document page = page(RunFixture.llama(6));
    assertThat(page.select("#copied tbody tr").eachText())
        .containsExactly(
            "embedding 1 16.8 MB model.embed_tokens.weight",
            "norm 6 12.3 kB model.layers.0.input_layernorm.weight"
                + " model.layers.1.input_layernorm.weight model.layers.2.input_layernorm.weight"
                + " model.layers.3.input_layernorm.weight and 2 more");
  }

  @Test
  void keepsProvenance() {
    Document page = page(RunFixture.llama(1));
    assertThat(page.select("#provenance tr").eachText())
        .contains(
            "Fingerprint " + "ab".repeat(32),
            "Version 0.1.0",
            "Duration 83 s",
            "Numerics compressed-tensors",
            "Configuration {\"scheme\":[\"W4A16\"],\"skip\":[\"re:.*embed.*\"]}");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 61})
  void drawsSizesAndNoiseOfAnyDepth(int layers) {
    Document page = page(RunFixture.llama(layers));
    assertThat(page.select("svg")).hasSize(2);
    assertThat(page.select("#noise svg rect")).hasSizeGreaterThanOrEqualTo(7 * layers);
    assertThat(page.select("#noise svg").attr("aria-label"))
        .isEqualTo("Signal to quantization noise of each layer and type of module");
  }

  @Test
  void usesEveryIdOnce() {
    List<String> ids = page(RunFixture.llama(2)).select("[id]").eachAttr("id");
    assertThat(ids).doesNotHaveDuplicates();
  }

  @Test
  void needsNothingFromOutside() {
    Document page = page(RunFixture.llama(2));
    assertThat(page.select("script, link, img, iframe, object, embed, base, form")).isEmpty();
    assertThat(page.select("[src], a[href], [onload], [onclick]")).isEmpty();
    assertThat(page.select("[xlink:href]")).isEmpty();
    assertThat(page.select("style").html()).doesNotContain("url(", "@import");
  }

  @Test
  void showsARunThatCopiedEverything() {
    Document page =
        page(of(RunFixture.copied("model.norm", Optional.empty(), 64, "skipped by --skip")));
    assertThat(page.select("#noise p").text())
        .isEqualTo("No tensor inside the layers was quantized, so there is nothing to show.");
    assertThat(page.select("#worst p").text())
        .isEqualTo("No quantized tensor has an error to rank.");
    assertThat(card(page, "Bits per weight")).isEqualTo("- | in quantized tensors; 16.00 over all");
    assertThat(card(page, "Mean SQNR")).isEqualTo("- | nothing measured");
    assertThat(page.select("#copied tbody tr").eachText())
        .containsExactly("skipped by --skip 1 128 B model.norm.weight");
  }

  @Test
  void showsARunWithoutTensors() {
    Document page = page(new RunDescription(RunFixture.row("r", RunRow.Status.RUNNING), List.of()));
    assertThat(page.select("#unfinished").text())
        .isEqualTo(
            "This run is running: the page shows the tensors of the files that were finished.");
    assertThat(page.select("#copied p").text()).isEqualTo("Nothing: every tensor was quantized.");
  }

  @Test
  void treatsNamesAsText() {
    String evil = "layers.0.<script>alert(1)</script>&\"'";
    Document page =
        page(
            of(
                RunFixture.quantized(evil, 0, 10),
                RunFixture.copied("<img src=x>", Optional.empty(), 64, "<b>why</b>")));
    assertThat(page.select("script, img, #copied b")).isEmpty();
    assertThat(page.select("#worst td.name").text()).isEqualTo(evil + ".weight");
    assertThat(page.select("#copied td").eachText()).contains("<b>why</b>", "<img src=x>.weight");
  }

  @Test
  void leavesExactAndEmptyTensorsOutOfTheMeans() {
    Document page =
        page(
            of(
                RunFixture.quantized("layers.0.a_proj", 0, 30),
                RunFixture.quantized("layers.0.b_proj", 0, Double.NaN),
                RunFixture.quantized("layers.0.c_proj", 0, Double.POSITIVE_INFINITY)));
    assertThat(card(page, "Mean SQNR")).isEqualTo("30.0 dB | over 1 measured");
    assertThat(page.select("#worst tbody tr")).hasSize(1);
  }
}
