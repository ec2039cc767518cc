/**
 * Knows when a page begins: at load, by the History API, back from the browser's page cache.
 * Refuses to count the same page twice in a row. start.js sets it going.
 */
import { watched } from './engagement.js';
import { listen, run } from './gate.js';
import { hit } from './hit.js';
import { clean } from './address.js';

let counted;

// A page is its address without the query: a parameter that a campaign or a sort order changes is the same.
const move = () => {
  const here = clean(location).replace(/\?[^#]*/, '');
  if (!watched || counted != here) {
    counted = here;
    hit('pageview');
  }
};

/** Count a pageview now, and at every navigation from now on. */
export const watchNavigation = () => {
  run(move);
  ['pushState', 'replaceState'].map((method) => {
    const original = history[method];
    history[method] = (...given) => {
      original.apply(history, given);
      run(move);
    };
  });
  listen('pageshow popstate', move);
};
