/**
 * The job {@code doctor}: whether this installation can do its work, line by line, with the way out
 * for each line that is not well. Start at {@link org.sparkao.jobs.doctor.Checks}, the list of what
 * is looked at. A check takes what it judges as values, so that tests show it a machine that is
 * broken; a new one is a class that implements {@code Check} and a line there.
 */
package org.sparkao.jobs.doctor;
