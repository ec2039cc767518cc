/**
 * Knows the script tag, and the names by which a page calls us.
 * Refuses to start twice in one page. main.js and core.js call it.
 */
import { footfall, start } from './start.js';
import { quietly } from './listen.js';

/**
 * Make what a page has queued count, and answer its calls from now on.
 *
 * @param {string} name of the global function
 */
export const answer = (name) => {
  const stub = window[name];
  window[name] = footfall;
  if (stub && Array.isArray(stub.q)) stub.q.map((call) => footfall(...call));
};

/**
 * Start from the script tag that is being run.
 *
 * @param {(() => void)[]} features
 */
export const run = quietly((features) => {
  if (window.footfall && window.footfall.optOut) return;
  answer('footfall');
  start(() => {
    const script = document.currentScript;
    return {
      api: new URL('/api/event', script.src).href,
      domain: location.hostname,
      ...script.dataset,
    };
  }, features);
});
