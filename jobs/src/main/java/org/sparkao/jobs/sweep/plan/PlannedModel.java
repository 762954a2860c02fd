package org.sparkao.jobs.sweep.plan;

/**
 * A model of the sweep.
 *
 * @param name in tables and filters
 * @param location of its checkpoint
 * @param fingerprint of headers, sizes and versions of its files; empty when it cannot be used
 * @param bytes of its tensors
 * @param refusal why it cannot be used; empty when it can
 */
public record PlannedModel(
    String name, String location, String fingerprint, long bytes, String refusal) {}
