package org.sparkao.jobs.quantize.budget;

import java.util.List;

/**
 * Layers that have one scheme, as loaders fuse them, and what they may have.
 *
 * @param modules their names
 * @param weights how many weights they have together
 * @param choices the schemes whose shapes suit them
 */
record Unit(List<String> modules, long weights, List<Choice> choices) {}
