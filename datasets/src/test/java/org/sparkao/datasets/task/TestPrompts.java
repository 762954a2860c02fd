package org.sparkao.datasets.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Prompts of the shared data. The expected hashes were computed in Python by the functions and
 * templates of lm_eval 0.4.13 (hashlib and json.dumps over what they return); the same strings,
 * tokenized, have the token counts of the golden file for every item.
 */
class TestPrompts {
  private static List<EvaluationItem> items(String task) {
    return EvalTasks.named(task).items(Shared.data());
  }

  /** SHA-256 over the hexadecimal hashes of all requests in order. */
  @ParameterizedTest
  @CsvSource({
    "hellaswag, 40168, 54fd4601f2fb56e5d24836d240be3b802ca709ad12bd5f33a95b9f2270f438fc",
    "piqa, 3676, c57a1f4dab4237aa6c9a7ccb5939b3c7e52648332f5aa87e45012418d832d7e6",
    "lambada, 5153, 353f3aa22ab9a0d3d32d4f84fcc8f1ba1a2096ac483c4a4e8c81f9db236e0797",
    "wikitext, 62, a189950077271c9f5232d98d7b50a0a9344bdcffe4fad30cc4b3e064eed6c164",
    "wikitext2-2048, 1, 7820943699280edafe76668cd8dd7069eaa4cd36f503518ed44e0ceb0bcef8ab"
  })
  void everyRequestIsTheHarnesses(String task, int requests, String sha256) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    int count = 0;
    for (EvaluationItem item : items(task)) {
      for (Request request : item.requests()) {
        digest.update(request.hash().getBytes(StandardCharsets.UTF_8));
        count++;
      }
    }
    assertThat(count).isEqualTo(requests);
    assertThat(HexFormat.of().formatHex(digest.digest())).isEqualTo(sha256);
  }

  @Test
  void hellaswag() {
    EvaluationItem item = items("hellaswag").get(0);
    assertThat(item.requests().get(3))
        .isEqualTo(
            new Request(
                "Roof shingle removal: A man is sitting on a roof. he",
                " starts pulling up roofing on a roof."));
    assertThat(((Answer.Choice) item.answer()).gold()).isEqualTo(3);
    assertThat(item.hash())
        .isEqualTo("06a041aa68812c4fe5852e0f54faa903ff080cd6310de22da674c967a1156ed9");
  }

  /** Trailing space of a choice stays, the line feed before Answer too. */
  @Test
  void piqa() {
    List<EvaluationItem> items = items("piqa");
    assertThat(items.get(1).requests())
        .containsExactly(
            new Request("Question: dresser\nAnswer:", " replace drawer with bobby pin "),
            new Request("Question: dresser\nAnswer:", " finish, woodgrain with  bobby pin "));
    assertThat(((Answer.Choice) items.get(1).answer()).gold()).isEqualTo(1);
    assertThat(items.get(0).hash())
        .isEqualTo("9259522656287c5d06f8710e397e83b4072a233cf823237842ba5ddedef54468");
  }

  @Test
  void lambada() {
    EvaluationItem item = items("lambada").get(0);
    assertThat(item.requests().get(0).context()).endsWith("grin, I don't care about");
    assertThat(item.requests().get(0).continuation()).isEqualTo(" signs");
    assertThat(item.hash())
        .isEqualTo("5b911df587a6128519b35fcf1c407559075b59ee461a8e88d11fd5e6abf3f4c7");
  }

  /** The words and bytes that the golden file has, page by page. */
  @Test
  void wikitextCountsTheRawPages() throws IOException {
    double[] expected = Shared.golden("wikitext.words_bytes_tokens");
    List<EvaluationItem> items = items("wikitext");
    for (int page = 0; page < items.size(); page++) {
      assertThat(items.get(page).answer())
          .isEqualTo(new Answer.Text((long) expected[3 * page], (long) expected[3 * page + 1]));
    }
  }
}
