/**
 * Knows when a page begins: at load, by the History API, back from the browser's page cache.
 * Refuses to count the same page twice in a row. start.js sets it going.
 */
import { watched } from './engagement.js';
import { gate, listen } from './gate.js';
import { hit } from './hit.js';
import { route } from './route.js';

let counted;

// A page is its path and route: a parameter that a campaign or a sort order changes is the same.
const move = gate(() => {
  const here = location.pathname + route(location);
  if (!watched || counted != here) {
    counted = here;
    hit('pageview');
  }
});

/** Count a pageview now, and at every navigation from now on. */
export const watchNavigation = () => {
  move();
  ['pushState', 'replaceState'].map((method) => {
    const original = history[method];
    history[method] = (...given) => {
      original.apply(history, given);
      move();
    };
  });
  listen('popstate pageshow', move);
};
