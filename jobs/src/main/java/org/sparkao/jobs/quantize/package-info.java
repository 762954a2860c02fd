/**
 * The job {@code quantize}: its keys and what it does with them. {@code plan} decides, {@code run}
 * carries out.
 */
package org.sparkao.jobs.quantize;
