/**
 * Texts, evaluation tasks and the bundled sample checkpoint. No Spark, no model code, no device.
 */
package org.sparkao.datasets;
