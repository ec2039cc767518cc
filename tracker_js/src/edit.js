/**
 * Knows what the owner does not want sent: excluded paths, visits of their own machine, whatever
 * their hook cancels. Refuses to send when the hook fails. send.js calls it.
 */
import { settings } from './settings.js';

/**
 * Change a payload as the owner's hook wants it, or cancel it.
 *
 * In the list of excluded paths, `*` stands for any characters.
 *
 * @param {import('../footfall').Payload} payload
 * @returns {any} falsy to cancel
 */
export const edit = (payload) => {
  const isLocal =
    !settings.allowLocal &&
    (/^(localhost|127\..*|\[::1.)?$/.test(location.hostname) || navigator.webdriver);
  const excluded = (settings.exclude + '')
    .replace(/[^\w/,*]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/,[\\ ]*/g, '|');
  if (isLocal || RegExp('^(' + excluded + ')$').test(new URL(payload.u).pathname)) return;
  const hook = settings.transform;
  return hook ? (window[hook] || hook)(payload) : payload;
};
