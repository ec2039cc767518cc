/**
 * Knows what of an address may leave the browser: origin, path, route and listed parameters.
 * Refuses to judge paths: the server cleans those. hit.js and clicks.js call it.
 */
import { prune } from './query.js';
import { route } from './route.js';

/**
 * Keep of an address what is counted; userinfo goes, and so does the fragment but for the route.
 *
 * @param {URL | Location | HTMLAnchorElement} url
 * @param {string} [query] what to take for its query
 * @returns {string}
 */
export const clean = (url, query = url.search) =>
  url.origin + url.pathname + (query && prune(query)) + route(url);
