/**
 * The core alone: pageviews, navigation, engagement, scroll depth, events by call, opt-out.
 * It is never served. The build measures it with stand-ins for the optional modules.
 */
import { readSnippet } from './snippet.js';
import { start } from './start.js';

start(readSnippet, () => {});
