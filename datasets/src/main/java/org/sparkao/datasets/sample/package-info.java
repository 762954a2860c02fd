/**
 * The bundled sample: a small Llama, the stories it was trained on, and the questions that measure
 * it. Start with {@link org.sparkao.datasets.sample.BundledSample} to use it, with {@link
 * org.sparkao.datasets.sample.SampleText} to see how its text comes about. The trainer is Python
 * and lives in {@code src/main/python/sample}; nothing here reads a model.
 */
package org.sparkao.datasets.sample;
