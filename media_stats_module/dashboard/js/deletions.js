// The commands by which an administrator deletes media: Synapse's own admin API.

import { ADMIN } from "./matrix.js";

/**
 * @param {number} before in ms
 * @param {number} size in bytes; only larger files
 * @param {boolean} keepProfiles
 */
export function mediaDelete(before, size, keepProfiles) {
  return curl("POST", `media/delete?before_ts=${before}&size_gt=${size}&keep_profiles=${keepProfiles}`);
}

/** @param {number} before in ms */
export function purgeMediaCache(before) {
  return curl("POST", `purge_media_cache?before_ts=${before}`);
}

/**
 * @param {string} user the user ID
 * @param {number} limit how many files, the newest first
 */
export function usersMedia(user, limit) {
  const id = encodeURIComponent(user)
    .replaceAll("'", "%27")
    .replaceAll("%40", "@")
    .replaceAll("%3A", ":");
  return curl("DELETE", `users/${id}/media?limit=${limit}`);
}

/**
 * @param {"POST"|"DELETE"} method
 * @param {string} path
 */
function curl(method, path) {
  return `curl -X ${method} -H "Authorization: Bearer $TOKEN" '${ADMIN}${path}'`;
}
