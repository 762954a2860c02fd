package org.sparkao.jobs.bench;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import org.sparkao.gpu.device.DeviceInfo;
import org.sparkao.gpu.device.DeviceProbe;
import org.sparkao.gpu.device.Devices;
import org.sparkao.jobs.job.ProgramVersion;
import org.sparkao.jobs.table.BenchmarkRow.Machine;

/** The machine that measures. */
final class Host {
  private Host() {}

  static String name() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }

  /** Its first GPU, as rows have it. */
  static Machine gpu() {
    DeviceProbe probe = Devices.probe();
    DeviceInfo info = probe.devices().get(0);
    String driver = probe instanceof DeviceProbe.Available found ? found.driver() : "";
    return new Machine(
        info.kind().name().toLowerCase(Locale.ROOT),
        info.name(),
        info.architecture(),
        driver,
        name(),
        ProgramVersion.current());
  }
}
