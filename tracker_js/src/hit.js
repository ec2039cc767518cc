/**
 * Knows what one hit says: the place where a payload is put together.
 * Refuses nothing: gate.js has asked before. footfall.js, navigation.js and the features call it.
 */
import { clean } from './address.js';
import { enter } from './engagement.js';
import { send } from './send.js';
import { settings } from './settings.js';

/**
 * Count a pageview or an event.
 *
 * @param {string} name `pageview`, or the event's name
 * @param {import('../footfall').EventOptions} [options]
 * @returns {Promise<any> | undefined}
 */
export const hit = (name, options = {}) => {
  const page = {
    n: name,
    u: clean(options.u || options.url || location),
    d: settings.domain,
    h: settings.hash && 1,
  };
  if (name == 'pageview') enter(page);
  return send({
    ...page,
    r: document.referrer.split('?')[0],
    w: innerWidth,
    p: options.props,
    $: options.revenue,
    i: options.interactive,
  });
};
