/**
 * Knows what one hit says: the place where a payload is put together.
 * Refuses nothing: gate.js has asked before. start.js, navigation.js and the features call it.
 */
import { clean } from './address.js';
import { enter } from './engagement.js';
import { send } from './send.js';

/**
 * Count a pageview or an event.
 *
 * The width is the whole window's: asking for the inner one makes browsers lay the page out at once.
 * Where a browser has no window to tell of, as within some applications, it is asked all the same.
 * The page's own address needs no `URL`, which costs its first use.
 *
 * @param {string} name `pageview`, or the event's name
 * @param {import('../footfall').EventOptions} [options]
 */
export const hit = (name, options = {}) => {
  const named = options.u || options.url;
  const page = clean(named ? new URL(named, location) : location);
  if (name == 'pageview') enter(page);
  send({
    n: name,
    u: page,
    r: document.referrer.split('?')[0],
    w: outerWidth || innerWidth,
    p: options.props,
    $: options.revenue,
    i: options.interactive,
  });
};
