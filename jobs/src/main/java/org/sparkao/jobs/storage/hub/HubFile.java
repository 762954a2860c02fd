package org.sparkao.jobs.storage.hub;

/**
 * A file of a repository at a commit.
 *
 * @param path within the repository
 * @param size length in bytes
 * @param hash of its content: SHA-256 of large files, Git's SHA-1 of others
 */
public record HubFile(String path, long size, String hash) {}
