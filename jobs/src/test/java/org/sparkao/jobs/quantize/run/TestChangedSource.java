package org.sparkao.jobs.quantize.run;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkao.jobs.cli.RemoteFiles;
import org.sparkao.jobs.gpu.PlannedDevice;
import org.sparkao.jobs.job.TinyCheckpoint;
import org.sparkao.jobs.quantize.plan.Arithmetic;
import org.sparkao.jobs.quantize.plan.GivenFiles;
import org.sparkao.jobs.quantize.plan.QuantizePlan;
import org.sparkao.jobs.quantize.plan.QuantizePlanner;
import org.sparkao.jobs.quantize.plan.Recipe;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.algorithm.WeightAlgorithm;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.FileEntry;
import org.sparkao.quant.safetensors.DType;
import org.sparkao.quant.safetensors.FileSink;
import org.sparkao.quant.safetensors.ShardHeader;
import org.sparkao.quant.safetensors.ShardWriter;
import org.sparkao.quant.safetensors.TensorSpec;
import org.sparkao.quant.scheme.CheckpointLayout;
import org.sparkao.quant.scheme.Numerics;
import org.sparkao.quant.scheme.Schemes;

/** Files that change between planning and reading. */
class TestChangedSource {
  @TempDir private Path temp;

  private static void touch(Path file) throws IOException {
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
  }

  /** Plans, lets {@code change} be touched, writes. */
  private void write(Storage storage, String source, Optional<Path> scales, Path change)
      throws IOException {
    Checkpoint checkpoint = Checkpoint.open(storage.folder(source));
    Optional<Checkpoint> calibration =
        scales.isPresent()
            ? Optional.of(Checkpoint.open(storage.folder(scales.orElseThrow().toString())))
            : Optional.empty();
    Arithmetic arithmetic =
        new Arithmetic(
            WeightAlgorithm.RTN, Numerics.COMPRESSED_TENSORS, CheckpointLayout.COMPRESSED_TENSORS);
    Recipe recipe =
        new Recipe(
            Schemes.parse(scales.isPresent() ? "FP8" : "W4A16"), List.of(), arithmetic, 1L << 32);
    QuantizePlan plan =
        new QuantizePlanner(recipe, GivenFiles.inputScales(calibration))
            .plan(checkpoint, Optional.empty());
    ShardSettings settings =
        new ShardSettings(
            Planned.of(checkpoint),
            calibration.map(Planned::of).orElse(Planned.NONE),
            Planned.NONE,
            temp.toString(),
            arithmetic,
            List.of(),
            plan.nonFinite(),
            PlannedDevice.processor("test"));
    touch(change);
    new ShardFile(settings, storage, bytes -> {}, new TaskClock())
        .write(plan.shards().get(0), storage.folder(temp.toString()), "part");
  }

  @Test
  void sourceIsRefused() throws IOException {
    Path source = temp.resolve("source");
    TinyCheckpoint.copyTo(source);
    Path file = source.resolve("model.safetensors");
    Storage storage = Storage.ofSettings(Map.of());
    assertThatThrownBy(() -> write(storage, source.toString(), Optional.empty(), file))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith(file + ": was changed while the run was reading it (planned ")
        .hasMessageContaining(" bytes of 1970-01-01T00:16:40Z); start again with the checkpoint");
  }

  /** Its file has the name that one of the source has. */
  @Test
  void calibrationIsRefused() throws IOException {
    Path source = temp.resolve("source");
    TinyCheckpoint.copyTo(source);
    Storage storage = Storage.ofSettings(Map.of());
    Path scales = Files.createDirectories(temp.resolve("scales"));
    Path file = scales.resolve("model.safetensors");
    List<TensorSpec> specs =
        Checkpoint.open(storage.folder(source.toString())).tensors().stream()
            .map(tensor -> tensor.entry().name())
            .filter(name -> name.contains("_proj"))
            .map(name -> name.replace(".weight", ".input_scale"))
            .map(name -> new TensorSpec(name, DType.F32, List.of(1L)))
            .toList();
    try (FileSink sink = FileSink.create(file)) {
      ShardWriter writer = new ShardWriter(sink, ShardHeader.of(specs, ShardHeader.PYTORCH));
      for (TensorSpec spec : specs) {
        writer.append(spec.name(), new byte[] {0, 0, (byte) 0x80, 0x3f}, 0, 4);
      }
      writer.finish();
    }
    assertThatThrownBy(() -> write(storage, source.toString(), Optional.of(scales), file))
        .isInstanceOf(QuantException.class)
        .hasMessageStartingWith(file + ": was changed while the run was reading it (planned ");
  }

  @Test
  void etagTellsWhatTimeAndLengthDoNot() throws IOException {
    Path source = temp.resolve("source");
    TinyCheckpoint.copyTo(source);
    Path file = source.resolve("model.safetensors");
    touch(file);
    Storage storage = Storage.ofAssignments(RemoteFiles.settings(temp));
    Folder folder = storage.folder("remote:" + source);
    FileEntry before =
        folder.files().stream()
            .filter(entry -> entry.name().equals("model.safetensors"))
            .findFirst()
            .orElseThrow();
    assertThatThrownBy(() -> write(storage, "remote:" + source, Optional.empty(), file))
        .isInstanceOf(QuantException.class)
        .hasMessageContaining("was changed while the run was reading it (planned ")
        .hasMessageContaining(before.size() + " bytes of " + before.version() + ", found ")
        .hasMessageContaining(" bytes of tag of ");
  }
}
