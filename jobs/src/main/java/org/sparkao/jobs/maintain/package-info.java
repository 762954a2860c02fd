/**
 * What keeps tables and outputs small: runs that nobody needs, small files, files that nobody
 * finished. Nothing that a live driver owns is touched. Start with {@link
 * org.sparkao.jobs.maintain.MaintainJob} and {@link org.sparkao.jobs.maintain.RunPruning}.
 */
package org.sparkao.jobs.maintain;
