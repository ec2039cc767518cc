/** The tracker as a module, for pages that are bundled: `import { init, track } from 'footfall'`. */
import { answerAll, watchAll } from './all.js';
import { refused } from './refusal.js';
import { settings } from './settings.js';
import { start } from './start.js';

const stubbed = () => {
  const stub = (...call) => {
    stub.q.push(call);
  };
  stub.q = [];
  return stub;
};

/**
 * Start counting, once per page.
 *
 * @param {import('../footfall').Settings} [options] what the script tag says by `data-*` attributes
 */
export const init = (options = {}) =>
  start(
    () => {
      settings.api = '/api/event';
      settings.domain = location.hostname;
      for (const name in options) if (options[name] !== false) settings[name] = options[name];
    },
    watchAll,
    answerAll,
  );

/**
 * Count an event; before the page is shown, or `init` is called, it waits.
 *
 * @param {string} name
 * @param {import('../footfall').EventOptions} [options]
 */
export const track = (name, options) => {
  window.footfall = window.footfall || stubbed();
  window.footfall(name, options);
};

/**
 * Record or ask for the visitor's own refusal; see `refused`.
 *
 * @param {boolean} [choice]
 * @returns {boolean}
 */
export const optOut = (choice) => refused(choice);
