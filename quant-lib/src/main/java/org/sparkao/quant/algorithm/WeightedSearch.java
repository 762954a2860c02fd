package org.sparkao.quant.algorithm;

/**
 * A search in which columns count differently.
 *
 * @param search the search
 * @param importance [K] how much an error in each column counts; the caller's
 */
record WeightedSearch(ShrinkSearch search, float[] importance) {}
