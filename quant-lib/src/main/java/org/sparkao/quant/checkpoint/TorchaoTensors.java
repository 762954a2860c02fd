package org.sparkao.quant.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Optional;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.safetensors.DType;

/**
 * Weights as torchao stores them: {@code X.weight} is {@code X._weight_qdata}, {@code
 * X._weight_scale} and for integers {@code X._weight_zero_point}; the {@code __metadata__} of the
 * file describes it under {@code X.weight}.
 *
 * <p>Source: torchao 0.18, {@code prototype/safetensors/safetensors_support.py}.
 */
public final class TorchaoTensors {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String WEIGHT = "weight";
  private static final String CODES = "_weight_qdata";
  private static final String SCALE = "_weight_scale";
  private static final String ZERO_POINT = "_weight_zero_point";

  private final Checkpoint checkpoint;

  TorchaoTensors(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  /** The weight whose codes a tensor holds, {@code X.weight}; its own name for other tensors. */
  public static String weightName(String tensor) {
    return suffixed(tensor, CODES) ? replaced(tensor, CODES, WEIGHT) : tensor;
  }

  /** Whether a tensor is read with the codes of a weight and means nothing alone. */
  public static boolean belongsToCodes(String tensor) {
    return suffixed(tensor, SCALE) || suffixed(tensor, ZERO_POINT);
  }

  private static boolean suffixed(String tensor, String suffix) {
    return tensor.endsWith("." + suffix);
  }

  private static String replaced(String tensor, String from, String to) {
    return tensor.substring(0, tensor.length() - from.length()) + to;
  }

  /** The codes of {@code X.weight}. */
  Optional<CheckpointTensor> codes(String weight) {
    return suffixed(weight, WEIGHT)
        ? checkpoint.tensor(replaced(weight, WEIGHT, CODES))
        : Optional.empty();
  }

  /** Whether these are codes. */
  static boolean areCodes(CheckpointTensor tensor) {
    return suffixed(tensor.entry().name(), CODES);
  }

  /**
   * How a weight is stored.
   *
   * @param codes [N, K]
   * @throws QuantException when parts are missing or do not go together
   */
  StoredForm form(CheckpointTensor codes) {
    String name = codes.entry().name();
    DType type = codes.entry().dtype();
    DType dtype = dtype(codes);
    CheckpointTensor scale = part(codes, replaced(name, CODES, SCALE));
    long rows = codes.entry().dimension(0);
    long columns = codes.entry().dimension(1);
    List<Long> shape = scale.entry().shape();
    boolean byRow = shape.size() == 2 && shape.get(0) == rows;
    if (!byRow || shape.get(1) < 1 || columns % shape.get(1) != 0) {
      throw refused(
          scale,
          "has shape "
              + shape
              + ", which are no scales by row or group of "
              + codes.entry().shape()
              + "; download the file again");
    }
    long group = columns / shape.get(1);
    if (type == DType.F8_E4M3) {
      return new StoredForm.Scaled(dtype, scale, 1, group);
    }
    if (type != DType.I8) {
      throw refused(codes, "is " + type + "; codes of torchao are read as I8 and F8_E4M3");
    }
    CheckpointTensor zeroPoint = part(codes, replaced(name, CODES, ZERO_POINT));
    if (zeroPoint.entry().dtype() != DType.I8 || !zeroPoint.entry().shape().equals(shape)) {
      throw refused(
          zeroPoint,
          "is "
              + zeroPoint.entry().dtype()
              + " "
              + zeroPoint.entry().shape()
              + ", not I8 "
              + shape
              + " as the scales; download the file again");
    }
    return new StoredForm.Affine(dtype, scale, zeroPoint, group);
  }

  private CheckpointTensor part(CheckpointTensor codes, String name) {
    return checkpoint
        .tensor(name)
        .orElseThrow(() -> refused(codes, "has no " + name + "; download all of its files"));
  }

  /** The type of the weight before it was quantized. */
  private DType dtype(CheckpointTensor codes) {
    String weight = weightName(codes.entry().name());
    String text =
        checkpoint.shards().stream()
            .filter(shard -> shard.file().name().equals(codes.file()))
            .findFirst()
            .map(shard -> shard.header().metadata().get(weight))
            .orElseThrow(
                () ->
                    refused(
                        codes,
                        "is not described under "
                            + weight
                            + " in the header of its file, which a loader needs; write it with"
                            + " save_pretrained of transformers or diffusers"));
    try {
      JsonNode data = JSON.readTree(text).path("_data");
      return switch (data.path("dtype").path("_data").asText()) {
        case "bfloat16" -> DType.BF16;
        case "float16" -> DType.F16;
        case "float32" -> DType.F32;
        default ->
            throw refused(
                codes,
                "is described as of "
                    + CheckpointNames.printable(data.path("dtype").toString())
                    + ", not bfloat16, float16 or float32");
      };
    } catch (JsonProcessingException e) {
      throw new QuantException(
          weight + " in " + codes.file() + ": its description in the header is no JSON", e);
    }
  }

  private static QuantException refused(CheckpointTensor tensor, String what) {
    return new QuantException(tensor.entry().name() + " in " + tensor.file() + ": " + what);
  }
}
