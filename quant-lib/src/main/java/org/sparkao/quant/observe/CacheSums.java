package org.sparkao.quant.observe;

/**
 * Largest magnitudes of what a layer keeps in its key-value cache, keys after rotation. Merges in
 * any order.
 *
 * @param key [heads], of the keys of every head
 * @param value [heads]
 */
public record CacheSums(float[] key, float[] value) {
  /** One array a side, of the same heads. */
  public CacheSums {
    if (key.length != value.length) {
      throw new IllegalArgumentException(key.length + " and " + value.length + " heads");
    }
  }

  /** The larger of both, in the arrays of this. */
  public CacheSums merge(CacheSums right) {
    for (int i = 0; i < key.length; i++) {
      key[i] = Math.max(key[i], right.key[i]);
      value[i] = Math.max(value[i], right.value[i]);
    }
    return this;
  }
}
