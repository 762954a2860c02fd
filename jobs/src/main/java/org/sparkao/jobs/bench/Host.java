package org.sparkao.jobs.bench;

import java.net.InetAddress;
import java.net.UnknownHostException;

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
}
