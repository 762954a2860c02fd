/** Files of texts that jobs take: one reader of them. Start with {@code TextFile}. */
package org.sparkao.jobs.text;
