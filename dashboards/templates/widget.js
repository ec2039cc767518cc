/**
 * The visitor's choice on an owner's own page. It switches the tracker's flag in this browser and,
 * if the collector is on the page's own host, its cookie. What it shows is read back: from storage,
 * and from the collector with a request like a beacon's.
 */
(() => {
  const WORDS = {{ words | tojson }};
  const FLAGS = ["footfall_ignore", "plausible_ignore"];
  const STYLE = `
    :host { display: block; color: inherit; font: inherit; line-height: 1.5; }
    p { margin: 0 0 12px; padding-inline-start: 12px; border-inline-start: 4px solid currentcolor; }
    p span { display: block; }
    div { display: flex; flex-wrap: wrap; gap: 12px; }
    button { flex: 1 1 12em; min-height: 44px; padding: 8px 16px; font: inherit; font-weight: 600;
      color: inherit; background: transparent; border: 2px solid currentcolor; border-radius: 8px;
      cursor: pointer; }
    button[aria-pressed="true"]::before { content: "✓" / ""; margin-inline-end: 8px; }
    :focus-visible { outline: 3px solid currentcolor; outline-offset: 3px; }
    a { color: inherit; }`;
  const script = document.currentScript;
  const base = new URL(script.src).origin;
  const own = base === location.origin;
  const asked = [script.dataset.language, document.documentElement.lang, ...navigator.languages];
  const language = asked.map((tag) => (tag || "").slice(0, 2).toLowerCase()).find((tag) => WORDS[tag]) || "en";
  const words = WORDS[language];

  const flagged = () => {
    try {
      return FLAGS.some((name) => /1|yes|true/.test(localStorage[name]));
    } catch {
      return false;
    }
  };

  const flag = (out) => {
    try {
      FLAGS.forEach((name) => localStorage.removeItem(name));
      if (out) localStorage.footfall_ignore = "true";
    } catch {
      // What was stored is read back below.
    }
  };

  // Sent like a beacon: from this page to the collector's origin, with its cookies.
  const fetchState = () =>
    fetch(`${base}/opt-out/state`, { credentials: "include", cache: "no-store" })
      .then((answer) => answer.json())
      .catch(() => null);

  const look = async () => {
    const state = await fetchState();
    const signals = [
      ["gpc", state?.gpc || navigator.globalPrivacyControl],
      ["dnt", state?.dnt || /1|yes/.test(navigator.doNotTrack)],
    ];
    return {
      checked: state !== null,
      flag: flagged(),
      cookie: Boolean(state?.opted_out),
      signals: signals.filter(([, sent]) => sent).map(([name]) => name),
    };
  };

  const choose = async (choice) => {
    flag(choice === "out");
    if (own) {
      const body = new URLSearchParams({ choice });
      await fetch(`${base}/opt-out`, { method: "POST", body }).catch(() => null);
    }
    await show(choice);
  };

  const host = document.createElement("div");
  host.lang = language;
  host.dir = words.direction;
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const made = (tag, more, ...inside) => {
    const element = Object.assign(document.createElement(tag), more);
    element.append(...inside);
    return element;
  };
  const status = made("p", {});
  status.setAttribute("role", "status");
  const buttons = ["out", "in"].map((choice) =>
    made("button", { type: "button", onclick: () => choose(choice) }, words[choice]),
  );
  root.append(status, made("div", {}, ...buttons));

  const elsewhere = () =>
    made("span", {}, words.elsewhere.replace("{host}", new URL(base).host), " ",
      made("a", { href: `${base}/opt-out?language=${language}` }, words.change));

  const show = async (choice) => {
    const found = await look();
    const here = found.flag || (own && found.cookie);
    const refused = here || found.cookie || found.signals.length > 0;
    const said = [made("strong", {}, refused ? words.refused : words.counted)];
    found.signals.forEach((name) => said.push(made("span", {}, words[name])));
    if (found.flag && !(own && found.cookie)) said.push(made("span", {}, words.flag));
    if (found.cookie && !own) said.push(elsewhere());
    if (choice === "out" && !here) said.push(made("span", {}, words.lost));
    if (!here && found.signals.length) said.push(made("span", {}, words.stands));
    if (!found.checked && !refused) said.push(made("span", {}, words.unchecked));
    status.replaceChildren(...said);
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(here === (place === 0))));
  };

  script.after(host);
  show();
})();
