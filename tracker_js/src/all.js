/**
 * Knows what the tracker does beyond its core: clicks, forms, the page not found, manual mode,
 * Plausible's name. Refuses nothing. main.js and index.js hand it to start.js.
 */
import { act, hitHere } from './clicks.js';
import { listen, run } from './gate.js';
import { watchNavigation } from './navigation.js';
import { settings } from './settings.js';
import { claim, footfall } from './start.js';

/** Watch all that the owner asked for. */
export const watchAll = () => {
  watchNavigation();
  listen('click auxclick submit', act);
  settings[404] && setTimeout(() => run(hitHere, '404'));
};

/** Answer under our name, and under Plausible's where nothing is, or a stub that queues in `.q`. */
export const answerAll = () => {
  claim();
  const stub = window.plausible;
  if (!stub || /\.q/.test(stub)) {
    window.plausible = footfall;
    stub?.q?.map((call) => footfall(...call));
  }
};
