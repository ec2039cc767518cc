/**
 * Knows when a page begins: at load, by the History API, back from the browser's page cache.
 * Refuses to count the same page twice in a row. start.js sets it going.
 */
import { watched } from './engagement.js';
import { listen, run } from './gate.js';
import { hit } from './hit.js';
import { clean } from './address.js';
import { settings } from './settings.js';

/**
 * The page that was counted last, without its query.
 *
 * @type {string | undefined}
 */
export let counted;

/**
 * Count the page there is, if it is another than the last, or was left since.
 *
 * A page is its address without the query: what a campaign or a sort order changes there is the same.
 */
export const move = () => {
  const here = clean(location, '');
  if (settings.manual || (watched && counted == here)) return;
  counted = here;
  hit('pageview');
};

/** Count a pageview soon, in a task of its own, and at every navigation from now on. */
export const watchNavigation = () => {
  setTimeout(() => run(move));
  ['pushState', 'replaceState'].map((method) => {
    const original = history[method];
    history[method] = (...given) => {
      run(move);
      original.call(history, ...given);
      run(move);
    };
  });
  listen('pageshow popstate', move);
};
