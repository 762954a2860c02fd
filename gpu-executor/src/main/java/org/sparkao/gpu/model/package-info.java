/**
 * Forward pass of decoder-only language models, written once against {@link
 * org.sparkao.gpu.model.ModelOperators}: what a checkpoint holds ({@link
 * org.sparkao.gpu.model.ModelConfig}, {@link org.sparkao.gpu.model.LinearWeight}), and what is
 * asked of it ({@link org.sparkao.gpu.model.LanguageModel}). A row's result does not depend on the
 * rows beside it.
 *
 * <p>Start with {@link org.sparkao.gpu.model.LanguageModel}.
 */
package org.sparkao.gpu.model;
