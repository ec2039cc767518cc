/**
 * Tell the width of the window, as the tracker would: the page is asked for again with it, once.
 */
const address = new URL(location.href);
if (!address.searchParams.has("width")) {
  address.searchParams.set("width", outerWidth || innerWidth);
  location.replace(address);
}
