/**
 * Enhances the dashboards: follows links without a reload, refreshes open pages, shows tooltips
 * on the chart, copies the snippet. Everything works without it.
 */
(() => {
  const LIVE_MS = 30000;
  const WAITING_MS = 4000;
  const report = () => document.getElementById('report');
  let latest = 0;

  /** Replace the report with that of another URL; falls back to normal navigation. */
  const show = async (address, { push = false, quiet = false } = {}) => {
    const mine = ++latest;
    if (!quiet) report().classList.add('renewing');
    try {
      const answer = await fetch(address, { headers: { Accept: 'text/html' } });
      const text = await answer.text();
      if (mine !== latest) return;
      const fresh = new DOMParser().parseFromString(text, 'text/html');
      const part = fresh.getElementById('report');
      if (!answer.ok || answer.redirected || !part) throw new Error('not a report');
      if (quiet && isBusy()) return;
      swap(part);
      document.title = fresh.title;
      if (push) history.pushState(null, '', address);
    } catch {
      report().classList.remove('renewing');
      if (!quiet) location.assign(address);
    }
  };

  /** Swap in the new report; open details and the focus are kept. */
  const swap = (part) => {
    const open = [...document.querySelectorAll('details[open]')].map((one) => one.id);
    const focused = document.activeElement;
    const address = focused && focused.getAttribute('href');
    const panel = focused && focused.closest('section[id]');
    report().replaceWith(part);
    for (const id of open) {
      const one = document.getElementById(id);
      if (one && id !== 'dates') one.open = true;
    }
    enhance();
    if (!address) return;
    const linkIn = (place) =>
      [...(place?.querySelectorAll('a') || [])].find((a) => a.getAttribute('href') === address);
    const home = panel && document.getElementById(panel.id);
    const heir = linkIn(home) || home?.querySelector('a') || linkIn(part);
    if (heir) heir.focus({ preventScroll: true });
  };

  /** Whether the user is choosing dates or reading a tooltip: then do not refresh. */
  const isBusy = () =>
    Boolean(document.querySelector('#dates[open], .tip') || report().matches(':has(input:focus)'));

  document.addEventListener('click', (event) => {
    const link = event.target.closest('#report a');
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey) return;
    if (event.shiftKey || event.altKey || link.pathname !== location.pathname) return;
    event.preventDefault();
    show(link.href, { push: true });
  });

  document.addEventListener('submit', (event) => {
    const form = event.target.closest('#report form');
    if (!form || form.method !== 'get') return;
    event.preventDefault();
    show(`${form.action}?${new URLSearchParams(new FormData(form))}`, { push: true });
  });

  addEventListener('popstate', () => report() && show(location.href));

  /** Show a tooltip above the bucket under the pointer. */
  const showTip = (slot) => {
    document.querySelector('.tip')?.remove();
    if (!slot) return;
    const plot = slot.closest('.plot');
    const tip = document.createElement('div');
    tip.className = 'tip';
    const { title, value, before, partial } = slot.dataset;
    const number = document.createElement('b');
    number.textContent = value;
    const when = document.createElement('span');
    when.textContent = title + (partial === undefined ? '' : ', so far');
    tip.append(number, when);
    if (before) {
      const then = document.createElement('span');
      then.textContent = `before: ${before}`;
      tip.append(document.createElement('br'), then);
    }
    plot.append(tip);
    const frame = plot.getBoundingClientRect();
    const spot = slot.querySelector('.catch').getBoundingClientRect();
    const half = tip.offsetWidth / 2;
    const centre = spot.left + spot.width / 2 - frame.left;
    tip.style.left = `${Math.min(Math.max(centre, half), frame.width - half)}px`;
    tip.style.top = '-8px';
  };
  document.addEventListener('pointerover', (event) => showTip(event.target.closest?.('.slot')));
  document.addEventListener('pointerleave', () => showTip(null));

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = 'Copied';
  });

  /** Whether this system has flag emoji, not just pairs of boxes or letters. */
  const drawsFlags = () => {
    const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    pen.font = '16px sans-serif';
    pen.fillText('\u{1F1E9}\u{1F1EA}', 0, 16);
    const { data } = pen.getImageData(0, 0, 32, 24);
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return true;
    }
    return false;
  };
  const flags = drawsFlags();

  /** Add what only works with scripts to a new page. */
  const enhance = () => {
    for (const button of document.querySelectorAll('[data-copy]')) button.hidden = !navigator.clipboard;
    for (const title of document.querySelectorAll('.slot title')) title.remove();
    if (flags) return;
    for (const flag of document.querySelectorAll('.flag:not(.letters)')) {
      flag.textContent = flag.dataset.code;
      flag.classList.add('letters');
    }
  };

  const refresh = () => {
    const shown = report();
    const waiting = shown?.dataset.stage === 'empty' || shown?.dataset.stage === 'first';
    setTimeout(async () => {
      const wanted = shown && (waiting || report().dataset.live !== undefined);
      if (wanted && !document.hidden) await show(location.href, { quiet: true });
      refresh();
    }, waiting ? WAITING_MS : LIVE_MS);
  };

  enhance();
  refresh();
})();
