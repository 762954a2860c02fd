package org.sparkao.jobs.export.plan;

import java.io.IOException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.sparkao.jobs.storage.FileLocation;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.calibration.Calibration;
import org.sparkao.quant.calibration.CalibrationInfo;
import org.sparkao.quant.gguf.GgufReader;
import org.sparkao.quant.gguf.GgufTensor;
import org.sparkao.quant.gguf.GgufType;
import org.sparkao.quant.gguf.GgufValue;
import org.sparkao.quant.llamacpp.LlamaNames;
import org.sparkao.quant.safetensors.ByteSource;

/**
 * How much the columns of matrices count: the mean of x^2 of their input, from what {@code
 * calibrate} wrote or from a file of llama.cpp's {@code llama-imatrix}.
 *
 * @param means [K] by name of the tensor in a GGUF file
 * @param metadata that tells where they are from
 */
public record ImportanceMatrix(Map<String, float[]> means, Map<String, GgufValue> metadata) {
  private static final String SUMS = ".in_sum2";
  private static final String COUNTS = ".counts";

  /**
   * Opens a folder of {@code calibrate}, or a GGUF file.
   *
   * @throws QuantException when it is neither
   */
  public static ImportanceMatrix open(Storage storage, String uri) throws IOException {
    if (!uri.endsWith(".gguf")) {
      return calibrated(Calibration.open(storage.folder(uri)), uri);
    }
    FileLocation file = FileLocation.of(uri);
    Folder folder = storage.folder(file.folder());
    if (folder.size(file.name()).isEmpty()) {
      throw new QuantException(uri + ": there is no such file; check the path");
    }
    try (ByteSource source = folder.open(file.name())) {
      return file(source, uri);
    }
  }

  private static ImportanceMatrix calibrated(Calibration calibration, String uri)
      throws IOException {
    CalibrationInfo info = calibration.info();
    Map<String, float[]> means = new HashMap<>();
    for (CalibrationInfo.Block block : info.blocks()) {
      for (CalibrationInfo.Input input : block.inputs()) {
        float[] columns = calibration.input(input.name()).meanSquare();
        for (String module : input.modules()) {
          LlamaNames.of(module + ".weight").ifPresent(name -> means.put(name.text(), columns));
        }
      }
    }
    return of(means, uri, info.data().location(), info.samples());
  }

  private static ImportanceMatrix file(ByteSource source, String uri) throws IOException {
    GgufReader.Read read = GgufReader.read(source);
    Map<String, GgufValue> values = read.header().metadata();
    Object type =
        Optional.ofNullable(values.get("general.type")).map(GgufValue::content).orElse("");
    if (!type.equals("imatrix")) {
      throw new QuantException(
          uri + ": general.type is \"" + type + "\", not imatrix; name a file of llama-imatrix");
    }
    Map<String, GgufTensor> tensors = new HashMap<>();
    read.header().tensors().forEach(tensor -> tensors.put(tensor.name(), tensor));
    Map<String, float[]> means = new HashMap<>();
    for (GgufTensor sums : tensors.values()) {
      if (!sums.name().endsWith(SUMS)) {
        continue;
      }
      String name = sums.name().substring(0, sums.name().length() - SUMS.length());
      GgufTensor counts = tensors.get(name + COUNTS);
      if (counts == null || sums.type() != GgufType.F32 || counts.bytes() != Float.BYTES) {
        throw new QuantException(
            uri + ": " + sums.name() + " has no count of its own in F32; make the file again");
      }
      float[] columns = GgufReader.floats(source, sums, read.dataBegin() + sums.offset());
      float count = GgufReader.floats(source, counts, read.dataBegin() + counts.offset())[0];
      for (int i = 0; i < columns.length; i++) {
        columns[i] = count > 0 ? columns[i] / count : 1;
      }
      means.put(name, columns);
    }
    long chunks =
        Optional.ofNullable(values.get("imatrix.chunk_count"))
            .map(GgufValue::content)
            .filter(Long.class::isInstance)
            .map(Long.class::cast)
            .orElse(0L);
    String data =
        Optional.ofNullable(values.get("imatrix.datasets"))
            .map(value -> value.content().toString().replaceAll("^\\[|\\]$", ""))
            .orElse("");
    return of(means, uri, data, chunks);
  }

  /** Source of the keys: llama.cpp's {@code llama-quantize}. */
  private static ImportanceMatrix of(
      Map<String, float[]> means, String uri, String data, long chunks) {
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    String name = uri.replaceFirst("/+$", "").replaceFirst(".*/", "");
    metadata.put("quantize.imatrix.file", GgufValue.text(name));
    metadata.put("quantize.imatrix.dataset", GgufValue.text(data));
    metadata.put("quantize.imatrix.entries_count", GgufValue.uint32(means.size()));
    metadata.put("quantize.imatrix.chunks_count", GgufValue.uint32(chunks));
    return new ImportanceMatrix(means, metadata);
  }

  /**
   * The means of a matrix, if there are any.
   *
   * @throws QuantException when they are of another model
   */
  Optional<float[]> of(String name, long columns) {
    Optional<float[]> found = Optional.ofNullable(means.get(name));
    if (found.isPresent() && found.get().length != columns) {
      throw new QuantException(
          "--imatrix: "
              + name
              + " has "
              + found.get().length
              + " columns there, "
              + columns
              + " in the checkpoint; use the one of this model");
    }
    return found;
  }
}
