package org.sparkao.jobs.evaluate.logits;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.sparkao.jobs.evaluate.plan.ItemWork;
import org.sparkao.jobs.evaluate.plan.TokenSequence;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * The file of one item: {@code tokens} I32 [rows], the scored tokens, and {@code log_softmax} F32
 * [rows, vocabulary], natural logarithms of what the model expected at their places; sequence by
 * sequence, in the order of the item's requests. F32 because of small divergences: an error e of
 * the logarithms makes one of about e·√(2/KL) relative to the divergence, which for F16 (e up to
 * 2⁻⁸) passes 1e-3 at any KL below 30, and for F32 (e up to 2⁻²¹) at 5e-7.
 *
 * @param key of the item in {@code eval_items}
 * @param rows scored tokens
 * @param vocabulary logits of each
 */
public record LogitsFile(String key, long rows, int vocabulary) {
  /** Name of the tensor of scored tokens. */
  static final String TOKENS = "tokens";

  /** Name of the tensor of logarithms. */
  static final String LOG_SOFTMAX = "log_softmax";

  /** How the names of files end, behind the item's key. */
  public static final String SUFFIX = ".safetensors";

  /** The file of an item. */
  public static LogitsFile of(String key, ItemWork item, int vocabulary) {
    return new LogitsFile(
        key, item.sequences().stream().mapToLong(TokenSequence::scored).sum(), vocabulary);
  }

  /** The scored tokens of an item, in the order of the file. */
  static int[] tokens(ItemWork item) {
    return item.sequences().stream()
        .flatMapToInt(
            sequence ->
                Arrays.stream(sequence.ids(), sequence.firstScored(), sequence.ids().length))
        .toArray();
  }

  /** Name in the folder. */
  public String name() {
    return key + SUFFIX;
  }

  /** Length of the whole file. */
  public long bytes() {
    return header().fileBytes();
  }

  ShardHeader header() {
    return ShardHeader.of(
        List.of(
            new TensorSpec(TOKENS, DType.I32, List.of(rows)),
            new TensorSpec(LOG_SOFTMAX, DType.F32, List.of(rows, (long) vocabulary))),
        Map.of("item_key", key));
  }
}
