package org.sparkao.datasets.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TestSampleText {
  /** What make_tokenizer.py printed for the file that the committed model was trained on. */
  private static final String TRAINING_SHA256 =
      "f3338671e95f7dfc6e1cbe304cad32b18c8b2d4d05c48bdd4065d0fe2b30ca14";

  private static final SampleText TEXT = new SampleText();
  private static final StoryReader READER = new StoryReader();
  private static final Set<String> LEAKED = new HashSet<>();
  private static String trainingSha256;
  private static int trainingStories;

  @BeforeAll
  static void readTrainingText() throws Exception {
    Set<String> heldOut = new HashSet<>(TEXT.heldOut());
    Set<String> asked =
        TEXT.items().stream()
            .map(item -> item.context() + item.endings().get(item.label()))
            .collect(Collectors.toSet());
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    for (String story : TEXT.training()) {
      digest.update(story.getBytes(StandardCharsets.UTF_8));
      digest.update((byte) '\n');
      READER.read(story);
      if (heldOut.contains(story)) {
        LEAKED.add(story);
      }
      for (int end = story.indexOf('.'); end >= 0; end = story.indexOf('.', end + 1)) {
        if (asked.contains(story.substring(0, end + 1))) {
          LEAKED.add(story);
        }
      }
      trainingStories++;
    }
    trainingSha256 = HexFormat.of().formatHex(digest.digest());
  }

  @Test
  void trainingTextIsTheOneThatTheModelWasTrainedOn() {
    assertThat(trainingStories).isEqualTo(SampleText.TRAINING_STORIES);
    assertThat(trainingSha256).isEqualTo(TRAINING_SHA256);
  }

  @Test
  void noTrainingStoryIsHeldOutOrBeginsAsAnItemDoes() {
    assertThat(LEAKED).isEmpty();
  }

  @Test
  void committedItemsAndTextAreTheGenerated() {
    assertThat(BundledSample.items()).isEqualTo(TEXT.items()).hasSize(SampleText.ITEMS);
    assertThat(BundledSample.heldOutText())
        .isEqualTo(TEXT.heldOut())
        .hasSize(SampleText.HELD_OUT_STORIES);
  }

  @Test
  void rightEndingFollowsFromTheTextAndNoOtherDoes() {
    for (SampleItem item : TEXT.items()) {
      for (int i = 0; i < SampleItem.ENDINGS; i++) {
        assertThat(READER.lastSentenceHolds(item.context() + item.endings().get(i)))
            .as("%s, ending %s", item, i)
            .isEqualTo(i == item.label());
      }
    }
  }

  @Test
  void heldOutStoriesAgreeWithTheFacts() {
    TEXT.heldOut().forEach(READER::read);
  }

  @Test
  void labelsAndKindsAreBalanced() {
    assertThat(countBy(SampleItem::label).values()).containsOnly(SampleText.ITEMS / 4L).hasSize(4);
    assertThat(countBy(SampleItem::kind).values())
        .containsOnly((long) SampleText.ITEMS / SentenceKind.values().length)
        .hasSize(SentenceKind.values().length);
  }

  /** The other person may share a fact by chance; nothing else may give it away. */
  @Test
  void answersOfFactsSeldomStandInTheContext() {
    long given =
        TEXT.items().stream()
            .filter(item -> item.kind() != SentenceKind.FOUND)
            .filter(item -> item.context().contains(item.endings().get(item.label())))
            .count();
    assertThat(given).isLessThan(SampleText.ITEMS / 20);
  }

  @Test
  void itemRefusesEqualEndings() {
    assertThatThrownBy(
            () -> new SampleItem(7, SentenceKind.PET, "c", List.of(" a.", " b.", " a.", " c."), 0))
        .hasMessage("item 7: needs 4 different endings, has [ a.,  b.,  a.,  c.]");
    assertThatThrownBy(
            () -> new SampleItem(7, SentenceKind.PET, "c", List.of(" a.", " b.", " d.", " c."), 4))
        .hasMessage("item 7: label 4 is not an index of its 4 endings");
  }

  private static <K> Map<K, Long> countBy(Function<SampleItem, K> key) {
    return TEXT.items().stream().collect(Collectors.groupingBy(key, Collectors.counting()));
  }
}
