/** What the scripts in {@code jobs/peers} need of this project; no part of the product. */
package org.sparkao.jobs.peers;
