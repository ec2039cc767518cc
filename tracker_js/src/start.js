/**
 * Knows the order of things: refusal, settings, the page being shown, features, first pageview.
 * Refuses to start for a visitor who refuses. snippet.js and index.js call it.
 */
import { enter, watchEngagement } from './engagement.js';
import { hit } from './hit.js';
import { listen, quietly } from './listen.js';
import { watchNavigation } from './navigation.js';
import { optOut, refused } from './refusal.js';
import { configure, isOn } from './settings.js';

/** @type {any[][] | undefined} */
let waiting = [];

/** @type {import('../footfall').Footfall} */
export const footfall = quietly((...given) => (waiting ? waiting.push(given) : hit(...given)));

footfall.optOut = (choice) => optOut(choice) && !enter();

/**
 * Start counting: now, or when a page that was loaded hidden or ahead of time is shown.
 *
 * @param {() => Record<string, any>} read gives the owner's settings; not asked on a refusal
 * @param {(() => void)[]} features what to set going besides pageviews, events and engagement
 */
export const start = (read, features) => {
  const show = () => {
    if (!waiting || (!refused() && document.hidden)) return;
    if (!refused()) {
      features.map((feature) => quietly(feature)());
      watchEngagement();
      if (!isOn('manual')) watchNavigation();
    }
    const calls = waiting;
    waiting = undefined;
    calls.map((call) => footfall(...call));
  };
  if (!refused()) configure(read());
  listen('visibilitychange', show);
  show();
};
