/**
 * Configuration: a key is declared once as a {@link org.sparkao.jobs.config.ConfigKey}, and is then
 * an option, a key of the configuration file, a key of {@code --set}, a line of the help and a row
 * of {@code conf/README.md}. Knows nothing about Spark. Start with {@link
 * org.sparkao.jobs.config.Config}.
 */
package org.sparkao.jobs.config;
