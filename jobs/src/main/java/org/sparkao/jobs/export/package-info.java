/**
 * The job {@code export}: a checkpoint of the Llama family into one file for llama.cpp and what is
 * built on it. {@code plan} reads headers, configuration and tokenizer, {@code run} carries out.
 * Start with {@code ExportJob}.
 */
package org.sparkao.jobs.export;
