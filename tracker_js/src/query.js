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
    .replace(/((clk?|c|sh|bra|_fat_)id=)[^&]*/g, '$11')
    .replace(
      // A search field's name with brackets is written as forms write it: no expression reads it.
      RegExp(
        '[?&](?!utm_|(ref|source|\\w*(clk?|c|sh|bra|_fat_)id|' +
          encodeURI(settings.search) +
          ')=)[^&]*',
        'g',
      ),
      '',
    )
    .replace(/^./, '?');
