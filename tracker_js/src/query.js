/**
 * Knows which parameters of a query may leave: utm_*, ref, source, the site's search, and of a
 * click id the bare fact that it is there. Refuses all others. address.js calls it.
 */
import { settings } from './settings.js';

/**
 * Remove from a query what may not leave.
 *
 * @param {URLSearchParams} query changed in place
 * @param {string} key
 */
export const prune = (query, key) =>
  /(clk?|bra|_fat_)id$/.test(key)
    ? query.set(key, 1)
    : /^(utm_.*|ref|source)$/.test(key) || key == settings.search || query.delete(key);
