/**
 * Knows how long the page was looked at, and how deep it was scrolled.
 * Refuses to count a hidden or unfocused page. hit.js says which page it is.
 */
import { listen } from './listen.js';
import { refused } from './refusal.js';
import { send } from './send.js';

/** @type {object | undefined} */
let page;
let since;
let engagedMs;
let deepest;
let tallest;
let told;

const measure = () => {
  deepest = Math.max(deepest, scrollY + innerHeight);
  tallest = Math.max(tallest, document.documentElement.scrollHeight);
};

/**
 * Add up the time since the last look, and tell it when nobody looks any more.
 *
 * Told when the page was scrolled deeper than told before, or after 3 s, as Plausible does.
 *
 * @param {boolean} [leaving] the page is left now, whatever the browser says of its visibility
 */
const look = (leaving) => {
  if (!page || refused()) return;
  measure();
  const now = performance.now();
  if (since) engagedMs += now - since;
  since = !leaving && !document.hidden && document.hasFocus() && now;
  const depth = Math.min(100, Math.round((100 * deepest) / tallest));
  if (!since && (depth > told || engagedMs >= 3000)) {
    send({ n: 'engagement', ...page, e: Math.round(engagedMs), sd: depth });
    told = depth;
    engagedMs = 0;
  }
};

/**
 * Leave the page there was, telling its engagement, and start on the next.
 *
 * @param {object} [next] the keys that name a page in a payload; none ends the watch
 */
export const enter = (next) => {
  look(true);
  page = next;
  since = engagedMs = deepest = tallest = told = 0;
  look();
};

/** Watch visibility, focus and scrolling. */
export const watchEngagement = () => {
  listen('scroll', () => page && measure());
  listen('visibilitychange focus blur', () => look());
  listen('pagehide', () => look(true));
};
