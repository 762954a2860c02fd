package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import java.util.Optional;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.LanguageModel;
import org.sparkao.gpu.model.LanguageModels;
import org.sparkao.gpu.model.ModelConfig;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.ModelSettings;
import org.sparkao.gpu.model.ReferenceModelOperators;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOptions;
import org.sparkao.jobs.evaluate.plan.ModelFacts;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.FileEntry;

/** Models of checkpoints, as they lie there. */
public final class CheckpointModels implements ModelSource {
  private static final long serialVersionUID = 1;

  @Override
  public ModelFacts inspect(Checkpoint checkpoint, Storage storage) throws IOException {
    ModelConfig config = LanguageModels.inspect(checkpoint, storage.folder(checkpoint.location()));
    return new ModelFacts(
        config.architecture(),
        config.sizes().vocabulary(),
        config.sizes().context(),
        checkpoint.totalBytes());
  }

  @Override
  public Optional<String> cpuOnly() {
    return Optional.empty();
  }

  @Override
  public LanguageModel open(ModelRequest request, Storage storage) throws IOException {
    Folder folder = storage.folder(request.location());
    for (ModelRequest.SourceFile file : request.files()) {
      requireUnchanged(folder, file);
    }
    Checkpoint checkpoint =
        request.onlyFile().isEmpty()
            ? Checkpoint.open(folder)
            : Checkpoint.openFile(folder, request.onlyFile());
    ModelRequest.Capacity capacity = request.capacity();
    ModelSettings settings =
        ModelSettings.ofTokens(capacity.batchTokens()).withLongest(capacity.longest());
    ModelOperators operators = operators(request);
    try {
      return new OwningModel(
          LanguageModels.open(
              checkpoint,
              folder,
              operators,
              capacity.memoryBytes() == 0 ? settings : settings.withMemory(capacity.memoryBytes())),
          operators);
    } catch (RuntimeException e) {
      OwningModel.close(operators);
      throw e;
    }
  }

  private static void requireUnchanged(Folder folder, ModelRequest.SourceFile planned)
      throws IOException {
    for (FileEntry file : folder.files()) {
      if (file.name().equals(planned.name()) && ModelRequest.SourceFile.of(file).equals(planned)) {
        return;
      }
    }
    throw new QuantException(
        folder.location()
            + "/"
            + planned.name()
            + ": is not what it was at planning; start again when nobody writes it");
  }

  /**
   * The operators of one model, which has them for itself. Tasks take turns at the model: on the
   * processor it gets all cores of the executor. Those of bf16 there are the plain reference, which
   * is slow.
   */
  private static ModelOperators operators(ModelRequest request) {
    if (request.device().kind() == DeviceInfo.Kind.CUDA) {
      return CudaModelOperators.of(
          ExecutorGpu.require().kernels(), CudaModelOptions.of(request.arithmetic()));
    }
    CpuDevice device = CpuDevice.open();
    return request.arithmetic() == Arithmetic.FP32
        ? new CpuModelOperators(device, Runtime.getRuntime().availableProcessors())
        : new ReferenceModelOperators(device, request.arithmetic());
  }
}
