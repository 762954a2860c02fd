package org.sparkao.jobs.doctor;

import java.util.List;
import org.sparkao.gpu.device.Devices;
import org.sparkao.gpu.module.KernelLibrary;

/**
 * What this program brings for GPUs.
 *
 * @param missingNatives libraries without their native part for this machine
 * @param operations how many operations have kernels
 * @param missingKernels operations whose kernels were not built
 * @param architectures what the kernels are compiled for
 */
record GpuBuild(
    List<String> missingNatives,
    int operations,
    List<String> missingKernels,
    List<String> architectures) {

  GpuBuild {
    missingNatives = List.copyOf(missingNatives);
    missingKernels = List.copyOf(missingKernels);
    architectures = List.copyOf(architectures);
  }

  static GpuBuild ofThis() {
    List<String> operations = KernelLibrary.operations();
    return new GpuBuild(
        Devices.missingNatives(),
        operations.size(),
        operations.stream().filter(op -> !KernelLibrary.built(op)).toList(),
        operations.stream()
            .flatMap(op -> KernelLibrary.architectures(op).stream())
            .distinct()
            .sorted()
            .toList());
  }
}
