/**
 * Knows how a payload leaves the browser. Refuses to retry: a second try could count twice.
 * hit.js and engagement.js hand their payloads over here.
 */
import { bodyOf } from './edit.js';
import { settings } from './settings.js';

/**
 * Hand a payload to the browser, which sends it once, also when the page is left.
 *
 * The body is a string: that makes it text/plain, which needs no preflight.
 *
 * @param {any} payload all its keys but `d` and `h`
 */
export const send = (payload) => {
  payload.d = settings.domain;
  const body = bodyOf(payload);
  body && navigator.sendBeacon(settings.api, body);
};
