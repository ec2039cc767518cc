/**
 * Knows how long the page was looked at, and how deep it was scrolled.
 * Refuses to count a hidden or unfocused page. hit.js says which page it is.
 */
import { listen } from './gate.js';
import { send } from './send.js';

/**
 * The page being watched: the keys that name it in a payload.
 *
 * @type {any}
 */
export let watched;
let since;
let engagedMs;
let deepest;
let told;

const measure = () => {
  deepest = Math.max(deepest, scrollY + innerHeight);
};

/**
 * Add up the time since the last look, and tell it when nobody looks any more.
 *
 * Told when the page was scrolled deeper than told before, or after 3 s, as Plausible does.
 *
 * @param {any} [leaving] 1 when the page is left now, whatever the browser says of its visibility
 */
const look = (leaving) => {
  const now = performance.now();
  if (since) engagedMs += now - since;
  since = leaving != 1 && !document.hidden && document.hasFocus() && now;
  if (since || !watched) return;
  // Only now, as it may make the browser lay the page out.
  measure();
  const depth = Math.min(
    100,
    Math.round((100 * deepest) / document.documentElement.scrollHeight),
  );
  if (depth > told || engagedMs >= 3000) {
    send({ ...watched, n: 'engagement', e: Math.round(engagedMs), sd: depth });
    told = depth;
    engagedMs = 0;
  }
};

/**
 * Leave the page there was, telling its engagement, and start on the next.
 *
 * @param {object} [next] the keys that name a page in a payload; none when there is no next page
 */
export const enter = (next) => {
  look(1);
  watched = since = engagedMs = deepest = told = 0;
  look();
  watched = next;
};

/** Watch visibility, focus and scrolling. */
export const watchEngagement = () => {
  listen('scroll', measure);
  listen('visibilitychange focus blur', look);
  listen('pagehide', () => enter());
};
