/**
 * Carries a calibration out. Sequences are cut into groups, whose number is an option; a task runs
 * some neighbouring groups through all blocks ({@code GroupWork}). Sums of a group are made in the
 * order of its sequences, sums of groups in the order of one binary tree, whoever makes which part
 * ({@code BlockFiles}): so the files do not depend on partitions, retries or attempts.
 */
package org.sparkao.jobs.calibrate.run;
