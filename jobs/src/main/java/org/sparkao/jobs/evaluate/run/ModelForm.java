package org.sparkao.jobs.evaluate.run;

import java.io.Serializable;
import java.util.Locale;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.layer.KvCache;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.gpu.model.cuda.CudaModelOptions.TableFormat;
import org.sparkao.quant.QuantException;

/**
 * In which numbers a model computes, beside what its checkpoint says. All of it is in its numerics.
 *
 * @param arithmetic what hidden states are stored as
 * @param cache what keys and values are stored as while a text is generated
 * @param head how the output head is kept
 * @param embedding how the embedding table is kept
 */
public record ModelForm(
    Arithmetic arithmetic, KvCache.Type cache, TableFormat head, TableFormat embedding)
    implements Serializable {

  /** Tables as the checkpoint has them, keys and values in bf16. */
  public static ModelForm of(Arithmetic arithmetic) {
    return new ModelForm(
        arithmetic, KvCache.Type.BF16, TableFormat.AS_STORED, TableFormat.AS_STORED);
  }

  /** With keys and values stored so. */
  public ModelForm withCache(KvCache.Type type) {
    return new ModelForm(arithmetic, type, head, embedding);
  }

  /**
   * Refuses what a device cannot do.
   *
   * @throws QuantException with the option that asks for it
   */
  public void requireOn(DeviceInfo.Kind device) {
    boolean bf16OnGpu = device == DeviceInfo.Kind.CUDA && arithmetic == Arithmetic.BF16;
    requireTable("head", head, bf16OnGpu);
    requireTable("embedding", embedding, bf16OnGpu);
    if (cache == KvCache.Type.FP32 && device == DeviceInfo.Kind.CUDA) {
      throw new QuantException("--kv-cache fp32: GPUs have bf16, int8 and fp8");
    }
  }

  private static void requireTable(String option, TableFormat format, boolean possible) {
    if (format != TableFormat.AS_STORED && !possible) {
      throw new QuantException(
          "--"
              + option
              + " "
              + name(format)
              + ": only in bf16 on a GPU; leave it out, or give --device cuda --arithmetic bf16");
    }
  }

  /** As it is named on the command line. */
  public static String name(TableFormat format) {
    return format.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** What the model itself does not say of its numerics; empty or begins with a semicolon. */
  String tables() {
    return (head == TableFormat.AS_STORED ? "" : "; head " + name(head))
        + (embedding == TableFormat.AS_STORED ? "" : "; embedding " + name(embedding));
  }

  CudaModelOptions onGpu() {
    return new CudaModelOptions(arithmetic, head, embedding);
  }
}
