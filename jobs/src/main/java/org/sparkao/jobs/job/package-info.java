/**
 * What a job is to the command line. The list of jobs is {@code org.sparkao.jobs.cli.Jobs}; each
 * job has a package of its own.
 */
package org.sparkao.jobs.job;
