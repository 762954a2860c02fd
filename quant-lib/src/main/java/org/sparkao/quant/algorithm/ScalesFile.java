package org.sparkao.quant.algorithm;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.format.WeightType;
import org.sparkao.quant.safetensors.ByteSink;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorEntry;
import org.sparkao.quant.safetensors.TensorSpec;

/**
 * {@code qat_scales.safetensors}: scales that training learned, {@code MODULE.weight_scale} in the
 * type of the weight and {@code MODULE.weight_zero_point} (I8, signed codes), row-major, one axis
 * long. The metadata has {@code numerics} and, for each module, {@code scheme:MODULE}. Known from
 * its header alone.
 */
public final class ScalesFile {
  /** Its name beside a trained checkpoint. */
  public static final String NAME = "qat_scales.safetensors";

  private static final String SCALE = ".weight_scale";
  private static final String ZERO_POINT = ".weight_zero_point";
  private static final String SCHEME = "scheme:";
  private static final String NUMERICS = "numerics";

  private final String location;
  private final SafetensorsHeader header;
  private final Map<String, TensorEntry> entries;

  private ScalesFile(String location, SafetensorsHeader header) {
    this.location = location;
    this.header = header;
    this.entries =
        header.entries().stream().collect(Collectors.toMap(TensorEntry::name, entry -> entry));
  }

  /**
   * Writes scales of one arithmetic and commits.
   *
   * @param modules by name
   * @param sink stays the caller's to close
   */
  public static void write(ByteSink sink, Map<String, ModuleScales> modules) throws IOException {
    Map<String, String> metadata = new TreeMap<>();
    Map<TensorSpec, byte[]> tensors = new LinkedHashMap<>();
    modules.forEach(
        (module, scales) -> {
          metadata.put(SCHEME + module, scales.scheme());
          metadata.put(NUMERICS, scales.numerics().configName());
          float[] values = scales.scales().scales();
          int[] zeroPoints = scales.scales().zeroPoints();
          List<Long> shape = List.of((long) values.length);
          tensors.put(
              new TensorSpec(module + SCALE, scales.dtype(), shape),
              bytes(values, WeightTypes.of(scales.dtype())));
          if (zeroPoints.length > 0) {
            tensors.put(new TensorSpec(module + ZERO_POINT, DType.I8, shape), bytes(zeroPoints));
          }
        });
    ShardHeader header = ShardHeader.of(new ArrayList<>(tensors.keySet()), metadata);
    ShardWriter writer = new ShardWriter(sink, header);
    for (Map.Entry<TensorSpec, byte[]> tensor : tensors.entrySet()) {
      writer.append(tensor.getKey().name(), tensor.getValue(), 0, tensor.getValue().length);
    }
    writer.finish();
  }

  private static byte[] bytes(float[] values, WeightType type) {
    byte[] bytes = new byte[type.bytes() * values.length];
    for (int i = 0; i < values.length; i++) {
      type.write(values[i], bytes, i * type.bytes());
    }
    return bytes;
  }

  private static byte[] bytes(int[] values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  /**
   * Reads the header.
   *
   * @throws QuantException when it is no file of learned scales
   */
  public static ScalesFile open(ByteSource source) throws IOException {
    ScalesFile file = new ScalesFile(source.location(), SafetensorsHeader.read(source));
    if (!file.header.metadata().containsKey(NUMERICS)) {
      throw new QuantException(
          source.location()
              + ": its metadata lacks "
              + NUMERICS
              + ", so it holds no learned scales; name the "
              + NAME
              + " of a training");
    }
    return file;
  }

  /** Hash of the header: names, types, shapes and schemes. */
  public String headerSha256() {
    return header.sha256();
  }

  /** Whether scales of a module are here. */
  public boolean has(String module) {
    return entries.containsKey(module + SCALE);
  }

  /** The modules, in the order of the file. */
  public List<String> modules() {
    return header.entries().stream()
        .map(TensorEntry::name)
        .filter(name -> name.endsWith(SCALE))
        .map(name -> name.substring(0, name.length() - SCALE.length()))
        .toList();
  }

  /**
   * Refuses a module whose scales were learned under something else than is asked, from the header
   * alone.
   *
   * @throws QuantException naming both
   */
  public void check(String module, QuantizeRequest request) {
    String scheme = Optional.ofNullable(header.metadata().get(SCHEME + module)).orElse("none");
    String numerics = header.metadata().get(NUMERICS);
    if (!scheme.equals(request.scheme().name())
        || !numerics.equals(request.numerics().configName())) {
      throw refused(
          module,
          "were learned under "
              + scheme
              + ", numerics "
              + numerics
              + ", and "
              + request.scheme().name()
              + ", numerics "
              + request.numerics().configName()
              + " is asked; use the former");
    }
    TensorEntry scale = entry(module, SCALE);
    ScaleGrid grid = ScaleGrid.of(request.scheme().weights().granularity(), request.weight());
    long expected = grid.shape().stream().reduce(1L, Math::multiplyExact);
    boolean zeroPoints = !request.scheme().weights().symmetric();
    boolean fits =
        scale.dtype() == request.weight().dtype()
            && scale.elements() == expected
            && entries.containsKey(module + ZERO_POINT) == zeroPoints
            && (!zeroPoints || entry(module, ZERO_POINT).elements() == expected);
    if (!fits) {
      throw refused(
          module,
          "are "
              + scale.dtype()
              + " "
              + scale.shape()
              + ", and a weight "
              + request.weight().dtype()
              + " ["
              + request.weight().rows()
              + ", "
              + request.weight().columns()
              + "] has "
              + expected
              + "; name the checkpoint that they were trained with");
    }
  }

  /** Reads the scales of one module. */
  public GivenScales read(ByteSource source, String module) throws IOException {
    TensorEntry scale = entry(module, SCALE);
    byte[] bytes = bytes(source, scale);
    WeightType type = WeightTypes.of(scale.dtype());
    float[] scales = new float[Math.toIntExact(scale.elements())];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = type.read(bytes, i * type.bytes());
    }
    if (!entries.containsKey(module + ZERO_POINT)) {
      return new GivenScales(scales, new int[0]);
    }
    byte[] codes = bytes(source, entry(module, ZERO_POINT));
    int[] zeroPoints = new int[codes.length];
    for (int i = 0; i < codes.length; i++) {
      zeroPoints[i] = codes[i];
    }
    return new GivenScales(scales, zeroPoints);
  }

  private static byte[] bytes(ByteSource source, TensorEntry entry) throws IOException {
    byte[] bytes = new byte[Math.toIntExact(entry.bytes())];
    source.readFully(entry.begin(), bytes, 0, bytes.length);
    return bytes;
  }

  private TensorEntry entry(String module, String suffix) {
    return Optional.ofNullable(entries.get(module + suffix))
        .orElseThrow(() -> refused(module, "are not there"));
  }

  private QuantException refused(String module, String why) {
    return new QuantException(location + ": the scales of " + module + " " + why);
  }
}
