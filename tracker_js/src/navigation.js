/**
 * Knows when a page begins: at load, by the History API, back from the browser's page cache.
 * Refuses to count the same page twice in a row. start.js sets it going.
 */
import { route } from './address.js';
import { hit } from './hit.js';
import { listen, quietly } from './listen.js';
import { refused } from './refusal.js';
import { settings } from './settings.js';

let counted;

const begin = () => {
  counted = pageHere();
  hit('pageview');
};

/**
 * Name the page in a way that a parameter of a campaign or a sort order does not change.
 *
 * @returns {string} path, route and search
 */
const pageHere = () =>
  location.pathname + route(location) + new URLSearchParams(location.search).get(settings.search);

const move = quietly(() => refused() || counted == pageHere() || begin());

const patch = (method) => {
  const original = history[method];
  history[method] = function (...given) {
    original.apply(this, given);
    move();
  };
};

/** Count a pageview now, and at every navigation from now on. */
export const watchNavigation = () => {
  begin();
  if (window.navigation && navigation.currentEntry) listen('currententrychange', move, navigation);
  else {
    patch('pushState');
    patch('replaceState');
    listen('popstate', move);
  }
  listen('pageshow', (event) => event.persisted && begin());
};
