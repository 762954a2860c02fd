/** Writes what was planned. Start with {@code ExportRun}. */
package org.sparkao.jobs.export.run;
