/** What is to be sampled: prompts, rule, lengths, decided on the driver. No model, no output. */
package org.sparkao.jobs.generate.plan;
