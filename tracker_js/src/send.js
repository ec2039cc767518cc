/**
 * Knows how a payload leaves the browser. Refuses to retry: a second try could count twice.
 * hit.js and engagement.js hand their payloads over here.
 */
import { edit } from './edit.js';
import { settings } from './settings.js';

/**
 * Send a payload, once.
 *
 * The body is a string: that makes it text/plain, which needs no preflight.
 *
 * @param {import('../footfall').Payload} payload
 * @returns {Promise<any> | undefined} settles when the answer is there
 */
export const send = (payload) => {
  payload = edit(payload);
  if (!payload) return;
  const body = JSON.stringify(payload);
  try {
    return fetch(settings.api, {
      method: 'POST',
      body,
      keepalive: true,
      mode: 'no-cors',
      credentials: 'include',
    }).catch(() => {});
  } catch {
    navigator.sendBeacon(settings.api, body);
  }
};
