package org.sparkao.gpu.layer;

import org.sparkao.gpu.device.CpuDevice;

/** The references. */
class TestReferenceAttentionLayer extends AbstractTestAttentionLayer {
  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  LayerOperators operators() {
    return LayerOperators.reference((CpuDevice) tested.device());
  }
}
