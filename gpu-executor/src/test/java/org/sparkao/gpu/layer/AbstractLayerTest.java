package org.sparkao.gpu.layer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The device under test, and the CPU that references compute on. */
abstract class AbstractLayerTest {
  /** Rows of activations that every operator is tried with. */
  static final int[] ROWS = {1, 3, 17};

  CaseDevice tested;
  CaseDevice reference;

  /** A device for the operator under test. */
  abstract CaseDevice open();

  @BeforeEach
  void openDevices() {
    tested = open();
    reference = CaseDevice.cpu();
  }

  @AfterEach
  void closeDevices() {
    tested.close();
    reference.close();
  }
}
