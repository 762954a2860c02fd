package org.sparkao.jobs.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.sparkao.quant.calibration.CalibrationInfo;
import org.sparkao.quant.calibration.CalibrationInfo.Block;
import org.sparkao.quant.calibration.CalibrationInfo.Input;
import org.sparkao.quant.calibration.CalibrationInfo.Origin;
import org.sparkao.quant.calibration.CalibrationWriter;
import org.sparkao.quant.observe.BlockSums;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.InputSums;
import org.sparkao.quant.observe.MagnitudeHistogram;
import org.sparkao.quant.safetensors.FileSink;

/** A calibration of {@link Checkpoints#llama} on made-up inputs, few of whose directions differ. */
final class CalibrationFixture {
  static final int TOKENS = 400;

  private final Path checkpoint;
  private final int layers;
  private final int hidden;
  private final int inner;

  CalibrationFixture(Path checkpoint, int layers, int hidden, int inner) {
    this.checkpoint = checkpoint;
    this.layers = layers;
    this.hidden = hidden;
    this.inner = inner;
  }

  /** Writes a folder, with second moments or without. */
  Path write(Path folder, boolean hessian) throws IOException {
    Files.createDirectories(folder);
    List<Block> blocks = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      blocks.add(block(folder, "model.layers." + layer, hessian));
    }
    CalibrationInfo info =
        new CalibrationInfo(
            new Origin(checkpoint.toString(), hash(checkpoint)),
            new Origin("text", "0".repeat(64)),
            4,
            TOKENS / 4,
            1,
            "made up",
            Map.of(CalibrationInfo.HESSIAN, String.valueOf(hessian)),
            blocks);
    Files.write(folder.resolve(CalibrationWriter.INFO), CalibrationWriter.info(info));
    return folder;
  }

  private Block block(Path folder, String name, boolean hessian) throws IOException {
    String attention = name + ".self_attn.";
    String feedForward = name + ".mlp.";
    List<Input> inputs =
        List.of(
            new Input(
                attention + "q_proj",
                hidden,
                List.of(attention + "q_proj", attention + "k_proj", attention + "v_proj")),
            new Input(attention + "o_proj", hidden, List.of(attention + "o_proj")),
            new Input(
                feedForward + "gate_proj",
                hidden,
                List.of(feedForward + "gate_proj", feedForward + "up_proj")),
            new Input(feedForward + "down_proj", inner, List.of(feedForward + "down_proj")));
    Map<String, InputSums> sums = new LinkedHashMap<>();
    Map<String, float[]> amax = new LinkedHashMap<>();
    for (Input input : inputs) {
      sums.put(input.name(), sums(inputs(input.name(), input.columns()), input.columns(), hessian));
      // The weights of the checkpoint are between -1 and 1.
      float[] ones = new float[input.columns()];
      Arrays.fill(ones, 1);
      input.modules().forEach(module -> amax.put(module, ones));
    }
    String file = CalibrationWriter.file(name);
    try (FileSink sink = FileSink.create(folder.resolve(file))) {
      String sha256 =
          CalibrationWriter.block(sink, name, new BlockSums(sums, Optional.empty()), amax);
      sink.commit();
      return new Block(name, file, sha256, inputs);
    }
  }

  /** Mixtures of eight numbers and a little of their own; channel 3 is large. */
  static float[] inputs(String name, int k) {
    Random random = new Random(name.hashCode());
    float[] mix = new float[8 * k];
    for (int i = 0; i < mix.length; i++) {
      mix[i] = (float) random.nextGaussian();
    }
    float[] x = new float[TOKENS * k];
    for (int t = 0; t < TOKENS; t++) {
      for (int p = 0; p < 8; p++) {
        float value = (float) random.nextGaussian();
        for (int j = 0; j < k; j++) {
          x[t * k + j] += value * mix[p * k + j];
        }
      }
      for (int j = 0; j < k; j++) {
        x[t * k + j] += 0.3f * (float) random.nextGaussian();
      }
      x[t * k + 3] *= 20;
    }
    return x;
  }

  /** By the definitions, in fp64. */
  private static InputSums sums(float[] x, int k, boolean hessian) {
    float[] min = new float[k];
    float[] max = new float[k];
    double[] absolute = new double[k];
    double[] square = new double[k];
    MagnitudeHistogram magnitudes = new MagnitudeHistogram(InputObserver.BINS_PER_OCTAVE);
    for (int i = 0; i < x.length; i++) {
      int j = i % k;
      min[j] = Math.min(min[j], x[i]);
      max[j] = Math.max(max[j], x[i]);
      absolute[j] += Math.abs(x[i]);
      square[j] += (double) x[i] * x[i];
      magnitudes.add(x[i]);
    }
    return new InputSums(
        TOKENS,
        TOKENS,
        min,
        max,
        absolute,
        square,
        magnitudes,
        magnitudes,
        hessian ? Optional.of(products(x, k)) : Optional.empty());
  }

  /** X^T X. */
  static float[] products(float[] x, int k) {
    double[] sums = new double[k * k];
    for (int t = 0; t < TOKENS; t++) {
      for (int i = 0; i < k; i++) {
        for (int j = 0; j < k; j++) {
          sums[i * k + j] += (double) x[t * k + i] * x[t * k + j];
        }
      }
    }
    float[] products = new float[k * k];
    for (int i = 0; i < sums.length; i++) {
      products[i] = (float) sums[i];
    }
    return products;
  }

  /** SHA-256 of a checkpoint of one file: of its config, then its weights, each a line. */
  private static String hash(Path checkpoint) throws IOException {
    String lines = "";
    for (String file : List.of("config.json", "model.safetensors")) {
      lines += sha256(Files.readAllBytes(checkpoint.resolve(file))) + " " + file + "\n";
    }
    return sha256(lines.getBytes(StandardCharsets.UTF_8));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
