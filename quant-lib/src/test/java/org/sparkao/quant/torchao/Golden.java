package org.sparkao.quant.torchao;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.sparkao.quant.format.NumberFormats;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.golden.GoldenFile;
import org.sparkao.quant.safetensors.DType;

/** The tensors of one golden file as numbers. */
final class Golden {

  /** One matrix, a vector being one row. */
  record Matrix(GoldenFile.Tensor tensor) {
    int rows() {
      return Math.toIntExact(tensor.shape().get(0));
    }

    int columns() {
      return Math.toIntExact(tensor.shape().get(tensor.shape().size() - 1));
    }

    DType dtype() {
      return tensor.dtype();
    }

    WeightType type() {
      return WeightType.valueOf(dtype().name());
    }

    byte[] bytes() {
      return tensor.bytes();
    }

    float[] floats() {
      int size = dtype().bits() / 8;
      float[] values = new float[bytes().length / size];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            switch (dtype()) {
              case F8_E4M3 -> NumberFormats.E4M3FN.decode(bytes()[i]);
              case I8 -> bytes()[i];
              case I32 -> Float.floatToRawIntBits(WeightType.F32.read(bytes(), 4 * i));
              default -> type().read(bytes(), size * i);
            };
      }
      return values;
    }
  }

  private static final Set<String> USED = ConcurrentHashMap.newKeySet();

  private final String file;
  private final Map<String, GoldenFile.Tensor> tensors;

  private Golden(String file, Map<String, GoldenFile.Tensor> tensors) {
    this.file = file;
    this.tensors = tensors;
  }

  /** The files of which a test of this JVM took at least one tensor. */
  static Set<String> used() {
    return Set.copyOf(USED);
  }

  /** Opens {@code golden/NAME}; skips the test where the shared folder is absent. */
  static Golden open(String name) {
    return new Golden(name, GoldenFile.read(GoldenFile.folder().resolve(name)));
  }

  Set<String> names() {
    return tensors.keySet();
  }

  boolean has(String name) {
    return tensors.containsKey(name);
  }

  Matrix get(String name) {
    if (!has(name)) {
      throw new IllegalArgumentException("no " + name + " among " + names());
    }
    USED.add(file);
    return new Matrix(tensors.get(name));
  }
}
