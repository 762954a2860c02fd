package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Odd documents; the expected texts were printed by lm_eval 0.4.13's own functions. */
class TestDocumentSteps {
  private static Document after(String step, ObjectNode fields) {
    return DocumentSteps.named(step, "test").apply(new Document(fields, Path.of("f"), 1));
  }

  private static ObjectNode object() {
    return new ObjectMapper().createObjectNode();
  }

  private static Document hellaswag(String label, String a, String b, String... endings) {
    ObjectNode fields = object().put("activity_label", label).put("ctx_a", a).put("ctx_b", b);
    for (String ending : endings) {
      fields.withArray("/endings").add(ending);
    }
    return after("hellaswag", fields.put("label", "2"));
  }

  @Test
  void hellaswagDropsBracketsAndCapitalizes() throws IOException {
    Document made =
        hellaswag(
            "A", " Start [header] x [title] y.", "the MAN goes", " a [step] b", "c  d", "e [x]\n");
    assertThat(made.text("query")).isEqualTo("A: Start x. y. The man goes");
    assertThat(made.value("choices"))
        .isEqualTo(new ObjectMapper().readTree("[\"a b\",\"c d\",\"e \"]"));
    assertThat(made.text("gold")).isEqualTo("2");
    assertThat(hellaswag("B", "x", "", "a", "d [title] e").text("query")).isEqualTo("B: x");
  }

  /** Line feeds end a bracket's text, other line separators do not; Python's strip takes U+001F. */
  @Test
  void hellaswagUsesPythonsIdeaOfText() {
    Document made =
        hellaswag("C", "[a\nb] \u00a0", "\u00e9\u00c0\u0391\u03a3 ok", "\u2003a", "b\u001f");
    assertThat(made.text("query")).isEqualTo("C: [a\nb] \u00a0 \u00c9\u00e0\u03b1\u03c2 ok");
    assertThat(made.value("choices").get(0).asText()).isEqualTo("a");
    assertThat(made.value("choices").get(1).asText()).isEqualTo("b");
    assertThat(hellaswag("D", "q", "\u00dfX \u01c6", "a").text("query"))
        .isEqualTo("D: q Ssx \u01c6");
  }

  @ParameterizedTest
  @CsvSource({"'a b  c', 'a b ', 'c'", "'a b ', 'a b', ''", "'word', '', 'word'"})
  void lastWordIsWhatFollowsTheLastSpace(String text, String beginning, String word) {
    Document made = after("last-word", object().put("text", text));
    assertThat(made.text("beginning")).isEqualTo(beginning);
    assertThat(made.text("word")).isEqualTo(word);
  }

  @Test
  void wikitextRules() {
    String page =
        "he said \" hello \" and ( x ) [ y ] { z } ' q ' 5 @-@ 6 @,@ 000 @.@ 1 ; a : b ! c ? d , e"
            + " . f\u00b0 g \u00b0 h = = = = i = = = j = = k N l 's m's 'n /' [0-9]/ \n o \n";
    assertThat(after("wikitext-detokenizer", object().put("page", page)).text("detokenized"))
        .isEqualTo(
            "he said \"hello\" and (x) [y] {z} 'q' 5-6,000.1; a: b! c? d, e. f\u00b0 g\u00b0h"
                + " ==== i === j == k 1 l's m's'n /' [0-9]/\no\n");
  }
}
