package org.sparkao.quant.calibration;

import java.io.Closeable;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.observe.InputObserver;
import org.sparkao.quant.observe.MagnitudeHistogram;
import org.sparkao.quant.safetensors.ByteSource;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.SafetensorsHeader;
import org.sparkao.quant.safetensors.TensorEntry;

/** A file of statistics that is open. */
final class TensorFile implements Closeable {
  private final ByteSource source;
  private final Map<String, TensorEntry> entries = new LinkedHashMap<>();

  /** Reads the header; takes the source over, and closes it when that fails. */
  TensorFile(ByteSource source) throws IOException {
    this.source = source;
    try {
      for (TensorEntry entry : SafetensorsHeader.read(source).entries()) {
        entries.put(entry.name(), entry);
      }
    } catch (IOException | RuntimeException e) {
      source.close();
      throw e;
    }
  }

  Set<String> names() {
    return entries.keySet();
  }

  boolean has(String name) {
    return entries.containsKey(name);
  }

  float[] floats(String name) throws IOException {
    return Numbers.readFloats(source, entry(name, DType.F32));
  }

  double[] doubles(String name) throws IOException {
    return Numbers.readDoubles(source, entry(name, DType.F64));
  }

  long number(String name) throws IOException {
    return Numbers.readLongs(source, entry(name, DType.I64))[0];
  }

  MagnitudeHistogram histogram(String name) throws IOException {
    int first = Math.toIntExact(number(InputTensors.first(name)));
    long[] counts = Numbers.readLongs(source, entry(name, DType.I64));
    return MagnitudeHistogram.of(InputObserver.BINS_PER_OCTAVE, first, counts);
  }

  private TensorEntry entry(String name, DType dtype) {
    TensorEntry entry = entries.get(name);
    if (entry == null || entry.dtype() != dtype) {
      throw new QuantException(
          source.location()
              + ": has no tensor "
              + name
              + " of type "
              + dtype
              + "; run calibrate again");
    }
    return entry;
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
