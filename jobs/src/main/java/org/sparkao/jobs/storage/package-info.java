/**
 * Folders and files, on local disks and on Hadoop file systems. Local ones are served without
 * Hadoop: planning stays light, and no checksum files appear. Start with {@link
 * org.sparkao.jobs.storage.Storage}.
 */
package org.sparkao.jobs.storage;
