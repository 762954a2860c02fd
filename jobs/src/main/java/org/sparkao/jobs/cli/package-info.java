/** The command line. Only this package parses strings, prints and chooses exit codes. */
package org.sparkao.jobs.cli;
