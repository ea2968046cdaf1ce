  // What the scripts that run on a loaded page have in common; `options` is there already.
  const state = window.__visualBrowser;
  // The browser's own pages do without the script that comes before.
  const native = state
    ? state.native
    : {
        setTimeout: setTimeout.bind(window),
        clearTimeout: clearTimeout.bind(window),
        frame: requestAnimationFrame.bind(window),
      };
  const started = performance.now();
  const end = started + options.deadline;
  const left = () => end - performance.now();
  const late = () => left() <= 0;
  const pause = (ms) => new Promise((done) => native.setTimeout(done, ms));
  // The next frame, or a little later where none is drawn.
  const frame = (limit = 100) =>
    new Promise((done) => {
      const timer = native.setTimeout(done, limit);
      native.frame(() => {
        native.clearTimeout(timer);
        done();
      });
    });
  const within = (promise, ms) =>
    Promise.race([promise.then(() => true, () => true), pause(Math.max(0, ms)).then(() => false)]);

  // The documents and shadow trees that can be reached from one.
  const rootsFrom = (start, intoFrames) => {
    const found = [];
    const visit = (root) => {
      found.push(root);
      for (const element of root.querySelectorAll("*")) {
        const closed = state && state.closedRoots.get(element);
        const shadow = element.shadowRoot || closed;
        if (shadow) visit(shadow);
        if (intoFrames && (element.localName === "iframe" || element.localName === "frame")) {
          try {
            if (element.contentDocument) visit(element.contentDocument);
          } catch {
            // Another origin.
          }
        }
      }
    };
    visit(start);
    return found;
  };
  const roots = () => rootsFrom(document, true);
  const all = (selector) => roots().flatMap((root) => [...root.querySelectorAll(selector)]);
  // The first of these that is no selector, and why.
  const badSelector = (selectors) => {
    for (const selector of selectors) {
      try {
        document.createDocumentFragment().querySelector(selector);
      } catch (error) {
        return { badSelector: selector, reason: String(error.message) };
      }
    }
    return null;
  };

  // Sheets made this way are not subject to the page's content policy.
  const style = [
    "*, *::before, *::after { caret-color: transparent !important; }",
    "* { scroll-behavior: auto !important; scroll-snap-type: none !important; }",
    // The one that the browser draws itself moves for ever.
    "progress:not([value]) { appearance: none !important; }",
    ...options.hide.map((selector) => `${selector} { visibility: hidden !important; }`),
    ...options.remove.map((selector) => `${selector} { display: none !important; }`),
  ].join("\n");
  const styled = (state && state.styled) || new WeakSet();
  const addStyle = (root) => {
    if (styled.has(root)) return;
    styled.add(root);
    // A sheet belongs to the document whose window made it.
    const view = (root.ownerDocument || root).defaultView;
    if (!view) return;
    const sheet = new view.CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  };

  const images = () => all("img").filter((image) => image.src || image.srcset);
  // What the page is waiting for, or an empty string. A page may leave a request open for ever,
  // and start one timer from the other.
  const waitingFor = (patience, timers) => {
    if (state && state.leaving) return "the page is going on to another one";
    if (document.readyState !== "complete") return "the document is still loading";
    if (document.fonts && document.fonts.status === "loading") return "fonts are still loading";
    const image = images().find((image) => !image.complete);
    if (image) return `an image is still loading: ${image.currentSrc || image.src}`;
    const since = performance.now() - started;
    if (state && state.requests > 0 && since < patience) return "requests are open";
    if (state && state.scrolled && performance.now() - state.scrolled < 50) {
      return "something is still being scrolled";
    }
    if (state && state.timeouts.size && since < timers) return "timers are running";
    return "";
  };
