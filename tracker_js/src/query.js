/**
 * Knows which parameters of a query may leave: utm_*, ref, source, the site's search, and of a
 * click id the bare fact that it is there. Refuses all others. address.js calls it.
 */
import { settings } from './settings.js';

/**
 * Keep of a query what may leave.
 *
 * @param {string} query '' or what begins with `?`
 * @returns {string} the same
 */
export const prune = (query) =>
  query
    .replace(/((clk?|bra|_fat_)id=)[^&]*/g, '$11')
    .replace(
      RegExp(
        '[?&](?!utm_|(ref|source|\\w*(clk?|bra|_fat_)id|' + settings.search + ')=)[^&]*',
        'g',
      ),
      '',
    )
    .replace(/^./, '?');
