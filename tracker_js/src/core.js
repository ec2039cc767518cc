/**
 * The core alone: pageviews, navigation, engagement, scroll depth, events by call, opt-out.
 * It is never served. The build measures it, and a browser test shows that it works by itself.
 */
import { watchNavigation } from './navigation.js';
import { readSnippet } from './snippet.js';
import { claim, start } from './start.js';

start(readSnippet, watchNavigation, claim);
