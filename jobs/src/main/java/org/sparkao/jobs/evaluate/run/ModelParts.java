package org.sparkao.jobs.evaluate.run;

import java.io.IOException;
import org.sparkao.gpu.device.CpuDevice;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.model.Arithmetic;
import org.sparkao.gpu.model.ModelOperators;
import org.sparkao.gpu.model.ReferenceModelOperators;
import org.sparkao.gpu.model.cpu.CpuModelOperators;
import org.sparkao.gpu.model.cuda.CudaModelOperators;
import org.sparkao.jobs.gpu.ExecutorGpu;
import org.sparkao.jobs.storage.Folder;
import org.sparkao.jobs.storage.Storage;
import org.sparkao.quant.QuantException;
import org.sparkao.quant.checkpoint.Checkpoint;
import org.sparkao.quant.checkpoint.FileEntry;

/**
 * What an executor makes a model of.
 *
 * @param checkpoint as it was at planning
 * @param files of its folder
 * @param operators of one model, which has them for itself
 */
public record ModelParts(Checkpoint checkpoint, Folder files, ModelOperators operators)
    implements AutoCloseable {

  /**
   * Opens them; the caller closes.
   *
   * @throws QuantException when the checkpoint is not what it was at planning
   */
  public static ModelParts open(ModelRequest request, Storage storage) throws IOException {
    Folder folder = storage.folder(request.location());
    for (ModelRequest.SourceFile file : request.files()) {
      requireUnchanged(folder, file);
    }
    Checkpoint checkpoint =
        request.onlyFile().isEmpty()
            ? Checkpoint.open(folder)
            : Checkpoint.openFile(folder, request.onlyFile());
    return new ModelParts(checkpoint, folder, operators(request));
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
   * Tasks take turns at the model: on the processor it gets all cores of the executor. Operators of
   * bf16 there are the plain reference, which is slow.
   */
  private static ModelOperators operators(ModelRequest request) {
    if (request.device().kind() == DeviceInfo.Kind.CUDA) {
      return CudaModelOperators.of(ExecutorGpu.require().kernels(), request.form().onGpu());
    }
    CpuDevice device = CpuDevice.open();
    return request.form().arithmetic() == Arithmetic.FP32
        ? new CpuModelOperators(device, Runtime.getRuntime().availableProcessors())
        : new ReferenceModelOperators(device, request.form().arithmetic());
  }

  /** A GPU stays open: it is the executor's. */
  @Override
  public void close() {
    OwningModel.close(operators);
  }
}
