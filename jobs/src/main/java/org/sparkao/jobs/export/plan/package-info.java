/** What a GGUF file will hold, decided from headers alone. Start with {@code ExportPlanner}. */
package org.sparkao.jobs.export.plan;
