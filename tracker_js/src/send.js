/**
 * Knows how a payload leaves the browser. Refuses to retry: a second try could count twice.
 * hit.js and engagement.js hand their payloads over here.
 */
import { refused } from './refusal.js';
import { settings } from './settings.js';

/**
 * What may change or cancel a payload, in order; a falsy answer cancels.
 *
 * @type {((payload: any) => any)[]}
 */
export const edits = [];

/**
 * Send a payload, once, in silence.
 *
 * The body is a string: that makes it text/plain, which needs no preflight.
 *
 * @param {import('../footfall').Payload} payload
 * @param {() => void} [callback] called when it is over, whatever came of it
 */
export const send = (payload, callback) => {
  const done = () => callback && callback();
  const body = JSON.stringify(edits.reduce((kept, edit) => kept && edit(kept), payload));
  if (refused() || body[0] != '{') return done();
  try {
    fetch(settings.api, {
      method: 'POST',
      body,
      keepalive: true,
      mode: 'no-cors',
      credentials: 'include',
    }).then(done, done);
  } catch {
    navigator.sendBeacon(settings.api, body);
    done();
  }
};
