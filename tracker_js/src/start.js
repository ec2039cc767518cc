/**
 * Knows the order of things: refusal, settings, the page being shown, the watches, the first hit.
 * Refuses to start twice, and to start unseen. main.js, index.js and core.js call it.
 */
import { enter, look, measure } from './engagement.js';
import { listen, run } from './gate.js';
import { hit } from './hit.js';
import { counted, move } from './navigation.js';
import { refused } from './refusal.js';

/**
 * Count an event, but no event before the first page; the callback is called when it is over, also when nothing was sent.
 *
 * @type {import('../footfall').Footfall}
 */
export const footfall = async (name, options) => {
  counted || run(move);
  run(hit, name, options);
  options?.callback?.();
};
footfall.optOut = refused;

/** Answer under our name from now on, and to the calls that a stub there has queued. */
export const claim = () => {
  const stub = window.footfall;
  window.footfall = footfall;
  stub?.q?.map((call) => footfall(...call));
};

/**
 * Start counting: now, or when a page that was loaded hidden or ahead of time is shown.
 *
 * A page that is hidden says so once it is not: an event comes only when that changes.
 *
 * @param {() => any} read fills in the owner's settings; not asked on a refusal
 * @param {() => void} watch counts the first page, and sets going what is watched besides engagement
 * @param {() => void} answer claims our names
 */
export const start = (read, watch, answer) => {
  const show = () => {
    if (!window.footfall?.optOut) {
      watch();
      listen('scroll', measure);
      listen('visibilitychange focus blur', look);
      listen('pagehide', () => enter(move()));
      answer();
    }
  };
  try {
    if (refused()) answer();
    else {
      read();
      document.hidden ? listen('visibilitychange', show) : show();
    }
  } catch {}
};
