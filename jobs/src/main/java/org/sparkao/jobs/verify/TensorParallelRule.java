package org.sparkao.jobs.verify;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparkao.jobs.verify.CheckpointView.Assigned;
import org.sparkao.quant.config.Finding;
import org.sparkao.quant.config.Loader;
import org.sparkao.quant.scheme.Granularity;
import org.sparkao.quant.scheme.Granularity.PerBlock;
import org.sparkao.quant.scheme.Granularity.PerGroup;
import org.sparkao.quant.scheme.StorageFormat;

/**
 * Every weight can be cut for {@code devices} devices as vLLM cuts it: rows of q, k, v, gate and
 * up; columns of o and down; whole heads; whole blocks and groups.
 *
 * <p>Source: vLLM {@code linear.py}, {@code fp8_utils.py} (validate_fp8_block_shape), {@code
 * marlin_utils.py}.
 */
final class TensorParallelRule implements Rule {
  private static final int MARLIN_ROWS = 64;
  private static final int MARLIN_COLUMNS = 128;

  private final int devices;

  /** For a tensor-parallel size of at least 1. */
  TensorParallelRule(int devices) {
    if (devices < 1) {
      throw new IllegalArgumentException("tensor-parallel size " + devices);
    }
    this.devices = devices;
  }

  @Override
  public List<Finding> check(CheckpointView checkpoint) throws IOException {
    List<Finding> findings = new ArrayList<>();
    JsonNode config = checkpoint.contents().config();
    checkHeads(config.path("num_attention_heads"), findings);
    for (Assigned assigned : checkpoint.assigned()) {
      Optional<List<Long>> shape = checkpoint.weightShape(assigned);
      if (shape.isPresent()) {
        checkModule(assigned, shape.get(), config, findings);
      }
    }
    return findings;
  }

  private void checkHeads(JsonNode heads, List<Finding> findings) {
    if (heads.isInt() && heads.asInt() % devices != 0) {
      findings.add(
          error(
              "config.json: num_attention_heads",
              heads + " heads cannot be shared by " + devices + " devices",
              "use a tensor-parallel size that divides " + heads));
    }
  }

  private void checkModule(
      Assigned assigned, List<Long> shape, JsonNode config, List<Finding> findings) {
    ModuleTensors module = assigned.module();
    boolean columnParallel = FusedModules.columnParallel(module);
    boolean rowParallel = FusedModules.rowParallel(module);
    long copies = columnParallel ? rowShares(module, config) : 1;
    long rows = columnParallel ? shape.get(0) / copies : shape.get(0);
    long columns = rowParallel ? shape.get(1) / devices : shape.get(1);
    if (columnParallel && shape.get(0) % copies != 0) {
      findings.add(uneven(module, "rows", shape.get(0)));
    } else if (rowParallel && shape.get(1) % devices != 0) {
      findings.add(uneven(module, "columns", shape.get(1)));
    } else {
      checkShare(assigned, rows, columns, findings);
    }
  }

  /** k and v heads are copied, not cut, when there are fewer of them than devices. */
  private long rowShares(ModuleTensors module, JsonNode config) {
    boolean keyOrValue = module.leaf().equals("k_proj") || module.leaf().equals("v_proj");
    int heads = config.path("num_key_value_heads").asInt(devices);
    return keyOrValue && heads > 0 ? Math.min(devices, heads) : devices;
  }

  private void checkShare(Assigned assigned, long rows, long columns, List<Finding> findings) {
    ModuleTensors module = assigned.module();
    Granularity granularity = assigned.group().weights().granularity();
    boolean rowsCut = devices > 1 && FusedModules.columnParallel(module);
    boolean columnsCut = devices > 1 && FusedModules.rowParallel(module);
    if (granularity instanceof PerBlock block) {
      if ((rowsCut || FusedModules.fused(module)) && rows % block.rows() != 0) {
        findings.add(notWhole(module, rows + " rows", "blocks of " + block.rows()));
      }
      if (columnsCut && columns % block.columns() != 0) {
        findings.add(notWhole(module, columns + " columns", "blocks of " + block.columns()));
      }
    }
    if (granularity instanceof PerGroup group && columnsCut && columns % group.size() != 0) {
      findings.add(notWhole(module, columns + " columns", "groups of " + group.size()));
    }
    if (assigned.group().format() == StorageFormat.PACK_QUANTIZED
        && (rows % MARLIN_ROWS != 0 || columns % MARLIN_COLUMNS != 0)) {
      findings.add(
          Finding.warning(
              Loader.VLLM,
              module.name(),
              "[" + rows + ", " + columns + "] a device",
              "Marlin kernels need multiples of 64 rows and 128 columns; a slower one is used"));
    }
  }

  private Finding uneven(ModuleTensors module, String axis, long size) {
    return error(
        module.name(),
        size + " " + axis + " cannot be shared by " + devices + " devices",
        "use a tensor-parallel size that divides " + size);
  }

  private Finding notWhole(ModuleTensors module, String share, String unit) {
    return error(
        module.name(),
        share + " a device are not whole " + unit + " (tensor-parallel size " + devices + ")",
        devices > 1
            ? "use a smaller tensor-parallel size, or leave the module out"
            : "leave the module out, or use a scheme without blocks");
  }

  private static Finding error(String subject, String what, String wayOut) {
    return Finding.error(Loader.VLLM, subject, what, wayOut);
  }
}
