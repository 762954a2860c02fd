package org.sparkao.gpu.model;

import java.util.List;
import java.util.Locale;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.TensorEntry;

/** What makes a checkpoint no model that runs here: what, where, the values, the way out. */
final class ModelErrors {
  private ModelErrors() {}

  /** A part of a quantized weight that is not there. */
  static QuantException missingPart(
      String location, String tensor, String expected, String scheme) {
    return new QuantException(
        tensor
            + " "
            + expected
            + ": is not in "
            + location
            + "; by quantization_config the module is "
            + scheme
            + ": download the checkpoint again, or put the module on the ignore list if it is not"
            + " quantized");
  }

  /** A part of a quantized weight of another type or shape. */
  static QuantException part(String where, TensorEntry found, String expected, String scheme) {
    return new QuantException(
        found.name()
            + " in "
            + where
            + ": is "
            + found.dtype()
            + " "
            + found.shape()
            + ", and by config.json, where the module is "
            + scheme
            + ", it is "
            + expected
            + "; use the config.json of this checkpoint");
  }

  /** A quantized module that the config does not call one. */
  static QuantException untargeted(String location, String module, boolean ignored) {
    return new QuantException(
        module
            + " in "
            + location
            + ": its weight is stored quantized, but in quantization_config it "
            + (ignored ? "is on the ignore list" : "is in the targets of no group")
            + "; use the config.json of this checkpoint");
  }

  /** A scheme that does not fit the weight. */
  static QuantException scheme(String location, String module, QuantException cause) {
    return new QuantException(module + " in " + location + ": " + cause.getMessage(), cause);
  }

  /** A permutation of columns that the config does not mention. */
  static QuantException columnOrder(String location, String tensor, String group) {
    return new QuantException(
        tensor
            + " in "
            + location
            + ": columns were permuted, but actorder in config_groups."
            + group
            + " is not \"group\"; use the config.json of this checkpoint");
  }

  /** A permutation of columns that names a group that is not there. */
  static QuantException columnGroups(String location, String tensor, RuntimeException cause) {
    return new QuantException(
        tensor
            + " in "
            + location
            + ": names a group that the weight does not have ("
            + cause.getMessage()
            + "); the file is damaged: download it again",
        cause);
  }

  /** A tensor that the architecture has and the checkpoint has not. */
  static QuantException missing(String location, String tensor, List<Long> shape) {
    return new QuantException(
        tensor
            + " "
            + shape
            + ": is not in "
            + location
            + "; config.json asks for it: download the checkpoint again, or correct config.json");
  }

  /** A tensor of another shape than config.json says. */
  static QuantException shape(String where, String tensor, List<Long> expected, List<Long> found) {
    return new QuantException(
        tensor
            + " in "
            + where
            + ": has shape "
            + found
            + ", and by config.json it is "
            + expected
            + "; use the config.json of this checkpoint");
  }

  /** A tensor whose elements are no numbers that a model computes with. */
  static QuantException type(String where, String tensor, DType found) {
    return new QuantException(
        tensor
            + " in "
            + where
            + ": is "
            + found
            + ", and only BF16, F16 and F32 are computed with; it belongs to a quantized weight,"
            + " and config.json has no quantization_config that says how: put the checkpoint's own"
            + " config.json beside it");
  }

  /** A tensor larger than one buffer. */
  static QuantException tooLarge(String where, String tensor, long bytes) {
    return new QuantException(
        tensor
            + " in "
            + where
            + ": has "
            + bytes
            + " bytes, and a tensor of at most 2 GiB is loaded; models of this size are not run");
  }

  /** A key of config.json; no value where it is absent. */
  static QuantException config(String file, String key, String value, String wayOut) {
    String found = value.isEmpty() ? "is missing" : "is " + value;
    return new QuantException(file + ": " + key + " " + found + "; " + wayOut);
  }

  /** A bias that config.json does not have. */
  static QuantException unexpected(String tensor, String architecture) {
    return new QuantException(
        tensor
            + ": is in the checkpoint, and by config.json "
            + architecture
            + " has no such bias; use the config.json of this checkpoint");
  }

  /** A checkpoint without config.json. */
  static QuantException noConfig(String location) {
    return new QuantException(
        location + ": has no config.json; put the checkpoint's config.json beside its weights");
  }

  /** Logits of which none can be chosen. */
  static QuantException noToken(int prompt, int tokens) {
    return new QuantException(
        "prompt "
            + prompt
            + ": the logits after its first "
            + tokens
            + " tokens are NaN or infinite, so that no token follows; the weights are damaged or"
            + " exceed this arithmetic: evaluate the checkpoint, or use fp32");
  }

  /** No place for the keys and values of one sequence. */
  static QuantException cacheMemory(int tokens, long needed, long free) {
    return new QuantException(
        String.format(
            Locale.ROOT,
            "keys and values of one sequence of %,d tokens need %,d bytes, and %,d are left beside"
                + " the model; raise the limit of memory, or let sequences be shorter",
            tokens,
            needed,
            free));
  }

  /** A model of which not even one block fits. */
  static QuantException memory(MemoryPlan plan, long limit) {
    return new QuantException(
        String.format(
            Locale.ROOT,
            "the model needs %,d bytes even block by block, and %,d are free: working memory %,d,"
                + " embedding %,d, layers %,d (the largest %,d), output head %,d; raise the limit"
                + " of memory, or let fewer tokens into a pass",
            plan.streamedBytes(),
            limit,
            plan.work(),
            plan.embedding(),
            plan.layers(),
            plan.largestLayer(),
            plan.head()));
  }
}
