package org.sparkao.gpu.model.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkao.gpu.device.Buffer;
import org.sparkao.gpu.device.CudaDevice;
import org.sparkao.gpu.device.MemoryBudget;
import org.sparkao.gpu.layer.HeadShape;
import org.sparkao.gpu.layer.PrefillAttention;
import org.sparkao.gpu.model.ModelOperators.HeadNorms;
import org.sparkao.gpu.model.ModelOperators.Places;
import org.sparkao.gpu.model.ModelOperators.RotaryTable;
import org.sparkao.gpu.module.KernelLibrary;

/** Rotation, norms and attention in fp32 against loops in double, sequences of many lengths. */
@Tag("gpu")
class TestCudaFp32AttentionOnGpu {
  private static final int[] LENGTHS = {1, 63, 64, 65, 3, 200};
  private static final float EPSILON = 1e-6f;

  @ParameterizedTest
  @CsvSource({"9, 3, 64", "4, 4, 128", "4, 2, 256", "2, 1, 80", "6, 2, 16"})
  void attendsAsDoublesDo(int queryHeads, int keyHeads, int dimension) {
    HeadShape shape = new HeadShape(queryHeads, keyHeads, dimension);
    int tokens = Arrays.stream(LENGTHS).sum();
    float[] rows = normal(tokens * shape.rowElements(), 1);
    float[] cosines = normal(200 * dimension / 2, 2);
    float[] sines = normal(200 * dimension / 2, 3);
    float[] norms = normal(2 * dimension, 4);
    int[] boundaries = new int[LENGTHS.length + 1];
    int[] positions = new int[tokens];
    for (int s = 0, at = 0; s < LENGTHS.length; s++) {
      for (int i = 0; i < LENGTHS[s]; i++) {
        positions[at++] = i;
      }
      boundaries[s + 1] = at;
    }
    try (CudaDevice device = CudaDevice.open(0, MemoryBudget.unlimited());
        KernelLibrary library = KernelLibrary.of(device)) {
      Fp32Kernels kernels = new Fp32Kernels(library);
      Buffer qkv = upload(device, rows);
      Buffer weights = upload(device, norms);
      kernels.heads(
          qkv,
          shape,
          new Places(upload(device, positions), Optional.empty(), tokens),
          Optional.of(
              new HeadNorms(
                  weights.slice(0, 4L * dimension),
                  weights.slice(4L * dimension, 4L * dimension),
                  EPSILON)),
          new RotaryTable(upload(device, cosines), upload(device, sines), 200));
      double[] prepared = prepare(rows, shape, positions, cosines, sines, norms);
      assertClose(read(device, qkv), prepared);
      Buffer out = upload(device, new float[tokens * shape.queryElements()]);
      kernels.attend(
          qkv,
          shape,
          new PrefillAttention.Batch(upload(device, boundaries), LENGTHS.length, tokens, 200),
          out);
      assertClose(read(device, out), attend(prepared, shape, boundaries));
    }
  }

  private static void assertClose(float[] actual, double[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      norm += expected[i] * expected[i];
    }
    assertThat(Math.sqrt(difference / norm)).isLessThan(2e-6);
  }

  private static double[] prepare(
      float[] rows,
      HeadShape shape,
      int[] positions,
      float[] cosines,
      float[] sines,
      float[] norms) {
    int dimension = shape.dimension();
    double[] all = new double[rows.length];
    for (int i = 0; i < rows.length; i++) {
      all[i] = rows[i];
    }
    for (int row = 0; row < positions.length; row++) {
      for (int head = 0; head < shape.queryHeads() + shape.keyHeads(); head++) {
        int at = row * shape.rowElements() + head * dimension;
        double squares = 0;
        for (int i = 0; i < dimension; i++) {
          squares += all[at + i] * all[at + i];
        }
        int weight = head < shape.queryHeads() ? 0 : dimension;
        for (int i = 0; i < dimension; i++) {
          all[at + i] *= norms[weight + i] / Math.sqrt(squares / dimension + EPSILON);
        }
        for (int i = 0; i < dimension / 2; i++) {
          double low = all[at + i];
          double high = all[at + i + dimension / 2];
          int angle = positions[row] * (dimension / 2) + i;
          all[at + i] = low * cosines[angle] - high * sines[angle];
          all[at + i + dimension / 2] = high * cosines[angle] + low * sines[angle];
        }
      }
    }
    return all;
  }

  private static double[] attend(double[] qkv, HeadShape shape, int[] boundaries) {
    int dimension = shape.dimension();
    double[] out = new double[boundaries[boundaries.length - 1] * shape.queryElements()];
    for (int s = 0; s + 1 < boundaries.length; s++) {
      for (int token = boundaries[s]; token < boundaries[s + 1]; token++) {
        for (int head = 0; head < shape.queryHeads(); head++) {
          int keyHead = shape.queryHeads() + head / shape.ratio();
          double[] weights = new double[token - boundaries[s] + 1];
          double total = 0;
          for (int i = 0; i < weights.length; i++) {
            double score = 0;
            for (int d = 0; d < dimension; d++) {
              score +=
                  qkv[token * shape.rowElements() + head * dimension + d]
                      * qkv[(boundaries[s] + i) * shape.rowElements() + keyHead * dimension + d];
            }
            weights[i] = Math.exp(score / Math.sqrt(dimension));
            total += weights[i];
          }
          for (int i = 0; i < weights.length; i++) {
            int value =
                (boundaries[s] + i) * shape.rowElements()
                    + (keyHead + shape.keyHeads()) * dimension;
            for (int d = 0; d < dimension; d++) {
              out[token * shape.queryElements() + head * dimension + d] +=
                  weights[i] / total * qkv[value + d];
            }
          }
        }
      }
    }
    return out;
  }

  private static float[] normal(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static Buffer upload(CudaDevice device, float[] values) {
    ByteBuffer bytes = HostNumbers.allocate(4L * values.length);
    bytes.asFloatBuffer().put(values);
    return upload(device, bytes);
  }

  private static Buffer upload(CudaDevice device, int[] values) {
    ByteBuffer bytes = HostNumbers.allocate(4L * values.length);
    bytes.asIntBuffer().put(values);
    return upload(device, bytes);
  }

  private static Buffer upload(CudaDevice device, ByteBuffer bytes) {
    Buffer buffer = device.allocate(bytes.remaining());
    device.write(buffer, 0, bytes);
    return buffer;
  }

  private static float[] read(CudaDevice device, Buffer buffer) {
    byte[] bytes = new byte[Math.toIntExact(buffer.bytes())];
    device.read(buffer, 0, ByteBuffer.wrap(bytes));
    return ProjectionCase.fp32(bytes);
  }
}
