/** Ranges and statistics of a tensor, each with a merge that does not depend on order. */
package org.sparkao.quant.observe;
