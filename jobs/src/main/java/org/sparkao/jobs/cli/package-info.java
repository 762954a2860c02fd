/**
 * The command line. Only this package parses arguments and chooses exit codes. Start with {@link
 * org.sparkao.jobs.cli.Jobs}, the list of what there is.
 */
package org.sparkao.jobs.cli;
