package org.sparkao.jobs.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.sparkao.gpu.GpuErrors;
import org.sparkao.gpu.GpuException;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceProbe;
import org.sparkao.jobs.doctor.Finding.Level;
import org.sparkao.jobs.gpu.DeviceRequest;
import org.sparkao.jobs.job.Texts;

/**
 * Native libraries, kernels, driver and GPUs. What is absent fails where GPUs are a must, or where
 * the machine shows signs of one, and is a warning elsewhere.
 *
 * @param request what is to compute
 * @param signs whether the kernel of this machine knows a GPU of NVIDIA
 * @param build what this program brings for GPUs
 * @param probe asks the driver
 * @param trial tries a GPU
 */
record GpuCheck(
    DeviceRequest request,
    boolean signs,
    GpuBuild build,
    Supplier<DeviceProbe> probe,
    GpuTrial trial)
    implements Check {
  /** What other programs may have of a GPU before it is worth a word. */
  private static final double BUSY = 0.2;

  @Override
  public String subject() {
    return "gpu";
  }

  @Override
  public List<Finding> look() {
    if (request == DeviceRequest.CPU) {
      return List.of(Finding.ok(subject(), "not looked at: --device cpu"));
    }
    List<Finding> findings = new ArrayList<>();
    findings.add(natives());
    findings.add(kernels());
    DeviceProbe seen = probe.get();
    if (seen.devices().isEmpty()) {
      findings.add(
          Finding.of(
              absence(),
              subject(),
              seen.summary(),
              "look at nvidia-smi; jobs run on the processor meanwhile (--device cpu)"));
      return findings;
    }
    findings.add(Finding.ok("driver", seen.summary()));
    seen.devices().forEach(device -> findings.add(tried(device)));
    return findings;
  }

  private Level absence() {
    return request == DeviceRequest.CUDA || signs ? Level.FAIL : Level.WARN;
  }

  private Finding natives() {
    return build.missingNatives().isEmpty()
        ? Finding.ok("jcuda", "the native libraries of JCuda and JNA are there")
        : Finding.of(
            absence(),
            "jcuda",
            "no native library of " + String.join(", ", build.missingNatives()),
            "CUDA needs Linux on x86-64 and the jar of the build; or use --device cpu");
  }

  private Finding kernels() {
    if (build.missingKernels().isEmpty()) {
      return Finding.ok(
          "kernels",
          build.operations() + " operations for " + String.join(", ", build.architectures()));
    }
    if (build.missingKernels().size() == build.operations()) {
      return Finding.of(
          absence(), "kernels", "this build has no CUDA kernels", wayTo(build.missingKernels()));
    }
    return Finding.fail(
        "kernels",
        "this build lacks the CUDA kernels of " + String.join(", ", build.missingKernels()),
        wayTo(build.missingKernels()));
  }

  private static String wayTo(List<String> missing) {
    String message = GpuErrors.noKernels(missing.get(0));
    return message.substring(message.indexOf(": ") + 2);
  }

  private Finding tried(DeviceInfo device) {
    try {
      GpuTrial.Result result = trial.run(device);
      String seen =
          device.label()
              + ", "
              + Texts.bytes(result.freeBytes())
              + " of "
              + Texts.bytes(device.memoryBytes())
              + " free";
      if (!result.wrong().isEmpty()) {
        return Finding.fail(
            subject(),
            device.label() + ": " + result.wrong(),
            "do not use this GPU: look at nvidia-smi -q (ECC, Xid errors), update the driver, and"
                + " report it to this project");
      }
      return result.freeBytes() < (1 - BUSY) * device.memoryBytes()
          ? Finding.warn(
              subject(),
              seen,
              "other programs use it (nvidia-smi lists them): end them, or lower"
                  + " spark.sparkao.gpu.memoryFraction")
          : Finding.ok(subject(), seen + "; " + result.done());
    } catch (GpuException e) {
      return Finding.of(
          Level.FAIL, subject(), e.getMessage(), "look at nvidia-smi, or use --device cpu");
    }
  }
}
