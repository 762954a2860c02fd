/**
 * Text to token ids and back, as the model was trained with. Start with {@link
 * org.sparkao.datasets.tokenizer.Tokenizers#open}, which takes a checkpoint's folder. Nothing here
 * reads from the network. Chat templates, truncation, padding and batching do not belong here.
 */
package org.sparkao.datasets.tokenizer;
