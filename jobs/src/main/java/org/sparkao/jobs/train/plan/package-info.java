/** What is trained, how and on what; refuses what cannot be done before anything is written. */
package org.sparkao.jobs.train.plan;
