/**
 * Shows on the demo page what the tracker sends, by wrapping fetch and sendBeacon; must run
 * before the tracker. Requests are unchanged, and it sends none itself.
 */
(() => {
  const show = (body) => {
    const list = document.getElementById('sent');
    if (!list) return;
    const line = document.createElement('li');
    const code = document.createElement('code');
    code.textContent = body;
    line.append(code);
    list.prepend(line);
  };

  const fetchAsBefore = window.fetch;
  window.fetch = function (...given) {
    if (given[1] && typeof given[1].body === 'string') show(given[1].body);
    return fetchAsBefore.apply(this, given);
  };

  const beaconAsBefore = navigator.sendBeacon;
  navigator.sendBeacon = function (address, body) {
    if (typeof body === 'string') show(body);
    return beaconAsBefore.call(navigator, address, body);
  };

  const button = document.getElementById('by-history');
  if (!button) return;
  button.hidden = false;
  button.addEventListener('click', () => {
    history.pushState({}, '', '/demo/docs');
    document.title = 'Recipes · Corner Bakery';
    document.getElementById('demo-title').textContent = button.dataset.title;
    document.getElementById('demo-lead').textContent = button.dataset.lead;
    for (const link of document.querySelectorAll('.banner-links a')) {
      if (link.pathname === '/demo/docs') link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  });
  addEventListener('popstate', () => location.reload());
})();
