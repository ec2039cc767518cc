/**
 * Knows the order of things: refusal, settings, the page being shown, the watches, the first hit.
 * Refuses to start twice, and to start unseen. main.js, index.js and core.js call it.
 */
import { watchEngagement } from './engagement.js';
import { gate, listen } from './gate.js';
import { hit } from './hit.js';
import { watchNavigation } from './navigation.js';
import { refused } from './refusal.js';
import { settings } from './settings.js';

const guarded = gate(hit);

/**
 * Count an event; the callback is called when it is over, also when nothing was sent.
 *
 * @type {import('../footfall').Footfall}
 */
export const footfall = async (name, options) => {
  await guarded(name, options);
  options?.callback?.();
};
footfall.optOut = refused;

// Plausible's name is taken only where nothing is, or a stub that queues in `.q`.
const answer = () =>
  ['footfall', 'plausible'].map((name) => {
    const stub = window[name];
    if (name < 'g' || /\.q|^undef/.test(stub)) {
      window[name] = footfall;
      stub?.q?.map((call) => footfall(...call));
    }
  });

/**
 * Start counting: now, or when a page that was loaded hidden or ahead of time is shown.
 *
 * @param {() => void} read fills in the owner's settings; not asked on a refusal
 * @param {() => void} watchMore sets going what is watched besides pages and engagement
 */
export const start = (read, watchMore) => {
  const show = () => {
    if (document.hidden || window.footfall?.optOut) return;
    watchEngagement();
    settings.manual || watchNavigation();
    watchMore();
    answer();
  };
  gate(() => {
    read();
    listen('visibilitychange', show);
    show();
  })();
  refused() && answer();
};
