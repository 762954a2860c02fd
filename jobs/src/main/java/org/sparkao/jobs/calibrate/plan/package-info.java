/** What is calibrated with which tokens; whatever can be refused is refused here. */
package org.sparkao.jobs.calibrate.plan;
