package org.sparkao.gpu.layer;

/** The reference, whose tokens are compared with softmax in double. */
class TestReferenceTokenSampler extends AbstractTestTokenSampler {
  @Override
  CaseDevice open() {
    return CaseDevice.cpu();
  }

  @Override
  TokenSampler operator() {
    return new ReferenceTokenSampler();
  }
}
