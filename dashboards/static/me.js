/**
 * Reload the page once with the width of the window, which the tracker would send.
 */
const address = new URL(location.href);
if (!address.searchParams.has("width")) {
  address.searchParams.set("width", outerWidth || innerWidth);
  location.replace(address);
}
