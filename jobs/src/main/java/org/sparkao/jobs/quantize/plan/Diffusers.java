package org.sparkao.jobs.quantize.plan;

import java.util.Map;

/**
 * Components of pipelines of diffusers: {@code config.json} names a class of models, not
 * architectures.
 */
final class Diffusers {
  private Diffusers() {}

  /** Whether a {@code config.json} is that of a component. */
  static boolean holds(Map<String, ?> config) {
    return config.containsKey("_class_name");
  }

  /** The folder of the pipeline that a component lies in, by name. */
  static String pipelineName(String component) {
    String[] folders = component.replaceFirst("/+$", "").split("/");
    return folders.length < 2 ? "" : folders[folders.length - 2];
  }
}
