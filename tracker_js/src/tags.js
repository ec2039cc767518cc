/**
 * Knows events written into the page: `data-footfall-event…` attributes and Plausible's classes.
 * Refuses nothing: what is written is meant. clicks.js calls it.
 */
import { hit } from './hit.js';

/**
 * Count the event that an element carries.
 *
 * Both forms become `key=value` first. In a class `+` stands for a space, and `--` may stand for `=`.
 *
 * @param {Element} element
 */
export const hitTag = (element) => {
  const found = {};
  [
    ...[...element.attributes].map(({ name, value }) => name + '=' + value),
    ...[...element.classList].map((name) => name.replace(/\+/g, ' ')),
  ].map((tag) =>
    tag.replace(
      /^(?:data-footfall|plausible)-(event|revenue)-?(.*?)(?:=|--)(.*)/s,
      (_, kind, key, value) => {
        found[kind] = { ...found[kind], [key || 'name']: value };
      },
    ),
  );
  const { name, ...props } = found.event;
  hit(name, { props, revenue: found.revenue });
};
