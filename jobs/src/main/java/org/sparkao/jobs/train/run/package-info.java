/**
 * Carries a training out. A unit, which is a block or the whole model, is trained by one task,
 * whose states lie in the work folder ({@code UnitFiles}): the same command goes on from the last
 * of them, and the result has the same bits, whatever was killed and however many tasks there are.
 * In the end tasks write a file of the output each.
 */
package org.sparkao.jobs.train.run;
