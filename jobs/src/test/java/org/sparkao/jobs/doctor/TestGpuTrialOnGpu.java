package org.sparkao.jobs.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.Devices;
import org.sparkao.jobs.job.ExitCode;
import org.sparkao.jobs.job.JobRun;

/** The trial of a real GPU. */
@Tag("gpu")
class TestGpuTrialOnGpu {
  @Test
  void everyGpuAddsAsTheProcessor() {
    List<DeviceInfo> devices = Devices.probe().devices();
    assertThat(devices).isNotEmpty();
    for (DeviceInfo device : devices) {
      GpuTrial.Result result = new GpuTrial.Addition().run(device);
      assertThat(result.wrong()).isEmpty();
      assertThat(result.freeBytes()).isPositive().isLessThanOrEqualTo(device.memoryBytes());
    }
  }

  @Test
  void theJobFindsItWell() throws Exception {
    JobRun run = JobRun.of(new DoctorJob(), "device", "cuda");
    assertThat(run.code()).as(run.out()).isEqualTo(ExitCode.DONE);
    assertThat(run.lines()).anyMatch(line -> line.startsWith("ok   driver"));
  }
}
