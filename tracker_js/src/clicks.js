/**
 * Knows what a click or a submitted form means: a tagged event, a download, an outbound link, a form.
 * Refuses to count one act twice: a tagged element sends its own event only. all.js sets it going.
 */
import { clean } from './address.js';
import { hit } from './hit.js';
import { settings } from './settings.js';
import { hitTag } from './tags.js';

/**
 * Count an event with the path it happened on.
 *
 * @param {string} name
 */
export const hitHere = (name) => hit(name, { props: { path: location.pathname } });

/**
 * Count what a click or a submit stands for, as far as the owner asked for it.
 *
 * @param {any} event
 */
export const act = ({ target, type, button }) => {
  if (button > 1) return;
  const isSubmit = type == 'submit';
  const tagged = target.closest('[data-footfall-event],[class*=plausible-event-name]');
  const link = target.closest('a');
  if (tagged && (tagged.tagName == 'FORM') == isSubmit) hitTag(tagged);
  else if (isSubmit) settings.forms && hitHere('Form: Submission');
  else if (
    link &&
    RegExp('\\.(' + (settings.downloads + '').replace(/\W+/g, '|') + ')$', 'i').test(link.pathname)
  )
    hit('File Download', { props: { url: clean(link) } });
  else if (settings.outbound && link?.host && link.host != location.host)
    hit('Outbound Link: Click', { props: { url: clean(link) } });
};
