/**
 * Knows how long the page was looked at, and how deep it was scrolled.
 * Refuses to count a hidden or unfocused page. hit.js says which page it is.
 */
import { send } from './send.js';

/**
 * The address of the page being watched.
 *
 * @type {string | undefined}
 */
export let watched;
let since;
let engagedMs;
let deepest;
let told;

/** Note how deep the page is scrolled. Only then, and when it is told, may we have it laid out. */
export const measure = () => {
  deepest = Math.max(deepest, scrollY + innerHeight);
};

/**
 * Add up time since the last look, and tell it with the depth when nobody looks any more.
 *
 * Told when the page was scrolled deeper than told before, or after 3 s, as Plausible does.
 *
 * @param {Event} [event] none when the page is left now, whatever the browser says of its visibility
 */
export const look = (event) => {
  const now = Date.now();
  engagedMs += since && now - since;
  since = !document.hidden && document.hasFocus() && now;
  if (!watched || (since && event)) return;
  measure();
  const depth =
    ((100 * deepest) / Math.max(deepest, document.documentElement.scrollHeight) + 0.5) | 0;
  if (depth > told || engagedMs >= 3000) {
    send({ n: 'engagement', u: watched, e: engagedMs, sd: (told = depth) });
    engagedMs = 0;
  }
};

/**
 * Leave the page there was, telling its engagement, and start on the next.
 *
 * @param {string} [next] the address of the next page; none when there is no next page
 */
export const enter = (next) => {
  look();
  engagedMs = deepest = told = 0;
  watched = next;
};
