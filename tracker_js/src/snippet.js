/**
 * Knows the script tag that is being run. Refuses any other kind of element under that name.
 * main.js and core.js hand it to start.js.
 */
import { settings } from './settings.js';

/**
 * Read from the script tag which site it is, and where payloads go.
 *
 * An image of that name could stand there in its stead, and send visits where it likes. Only a
 * script has a text: taking it apart fails for all else, and nothing starts.
 *
 * @returns {DOMStringMap} all that the tag says
 */
export const readSnippet = () => {
  const { src, dataset, text: {} } = document.currentScript;
  settings.api = dataset.api || src.match(/.+?\/.+?\//)[0] + 'api/event';
  settings.domain = dataset.domain || location.hostname;
  return dataset;
};
