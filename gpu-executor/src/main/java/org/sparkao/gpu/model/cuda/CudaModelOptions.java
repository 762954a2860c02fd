package org.sparkao.gpu.model.cuda;

import java.util.Objects;
import org.sparkao.gpu.model.Arithmetic;

/**
 * How a model lies and computes on a GPU.
 *
 * @param arithmetic BF16, or FP32 for scores that shall not be rounded
 * @param head how the output head is kept, where the checkpoint has it unquantized
 * @param embedding how the embedding table is kept
 */
public record CudaModelOptions(Arithmetic arithmetic, TableFormat head, TableFormat embedding) {
  /** All parts are given; fp32 keeps tables as they are. */
  public CudaModelOptions {
    Objects.requireNonNull(arithmetic, "arithmetic");
    Objects.requireNonNull(head, "head");
    Objects.requireNonNull(embedding, "embedding");
    if (arithmetic == Arithmetic.FP32
        && (head != TableFormat.AS_STORED || embedding != TableFormat.AS_STORED)) {
      throw new IllegalArgumentException(CudaModelErrors.tableInFp32());
    }
  }

  /** Tables as the checkpoint has them. */
  public static CudaModelOptions of(Arithmetic arithmetic) {
    return new CudaModelOptions(arithmetic, TableFormat.AS_STORED, TableFormat.AS_STORED);
  }

  /** How a table of the vocabulary is kept. */
  public enum TableFormat {
    /** In the arithmetic of the model. */
    AS_STORED,
    /** int8 with a scale a row; the head's input is quantized alike, a scale a row. */
    INT8,
    /** int4 with a scale for 128 columns; the head's input stays bf16. */
    INT4
  }
}
