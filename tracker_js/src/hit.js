/**
 * Knows what one hit says: the place where a payload is put together.
 * Refuses to read anything before it is sure that the visitor does not refuse.
 */
import { bare, clean } from './address.js';
import { enter } from './engagement.js';
import { refused } from './refusal.js';
import { send } from './send.js';
import { isOn, settings } from './settings.js';

let pageviews = 0;

/**
 * Count a pageview or an event.
 *
 * The referrer is that of the first page only: what follows in the same document came from us.
 *
 * @param {string} name `pageview`, or the event's name
 * @param {import('../footfall').EventOptions} [options]
 */
export const hit = (name, { u, url, props, revenue, interactive, callback } = {}) => {
  if (refused()) return callback && callback();
  const page = {
    u: clean(u || url || location.href),
    d: settings.domain,
    h: isOn('hash') ? 1 : undefined,
  };
  if (name == 'pageview') {
    enter(page);
    pageviews++;
  }
  send(
    {
      n: name,
      ...page,
      r: pageviews < 2 && document.referrer ? bare(new URL(document.referrer)) : undefined,
      w: innerWidth,
      p: props,
      $: revenue,
      i: interactive,
    },
    callback,
  );
};
