/**
 * The core alone: pageviews, navigation, engagement, scroll depth, events by call, opt-out.
 * It is never served: the build measures it, so that the core stays small.
 */
import { run } from './snippet.js';

run([]);
