/**
 * Knows what the owner does not want sent: excluded paths, visits of their own machine, whatever
 * their hook cancels. Refuses to send of files, when the hook fails, and where nobody said where to.
 * send.js calls it.
 */
import { settings } from './settings.js';

/**
 * Write the body of a payload as the owner wants it, or cancel it.
 *
 * In the list of excluded paths, `*` stands for any characters.
 *
 * @param {import('../footfall').Payload} payload
 * @returns {any} a string; falsy to cancel
 */
export const bodyOf = (payload) => {
  const { hostname } = location;
  const isOwn =
    hostname == 'localhost' ||
    hostname == '[::1]' ||
    hostname.startsWith('127.') ||
    navigator.webdriver;
  const excluded = settings.exclude
    ?.replace(/[^\w/,*]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/,[\\ ]*/g, '|');
  if (
    !hostname ||
    !settings.api ||
    (isOwn && !settings.allowLocal) ||
    (excluded && RegExp('^(' + excluded + ')$').test(new URL(payload.u).pathname))
  )
    return;
  if (settings.hash) payload.h = 1;
  const hook = settings.transform;
  if (hook) payload = (window[hook] || hook)(payload);
  return payload && JSON.stringify(payload);
};
