/**
 * Repositories of models at the Hugging Face hub, or what speaks as it does: read only. Start at
 * {@link org.sparkao.jobs.storage.hub.HubRepository}.
 */
package org.sparkao.jobs.storage.hub;
