/**
 * Pages of HTML that need nothing else, and the pictures on them; knows no job. Start with {@link
 * org.sparkao.jobs.page.HtmlPage}.
 */
package org.sparkao.jobs.page;
