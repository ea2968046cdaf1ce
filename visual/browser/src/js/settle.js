// Brings a loaded page to rest and reports on it. Evaluated in the page; gives a plain object.
(async () => {
  const options = __OPTIONS__;
  const state = window.__visualBrowser;
  // The browser's own pages do without the script that comes before.
  const native = state
    ? state.native
    : {
        setTimeout: setTimeout.bind(window),
        clearTimeout: clearTimeout.bind(window),
        frame: requestAnimationFrame.bind(window),
      };
  const end = performance.now() + options.deadline;
  const left = () => end - performance.now();
  const late = () => left() <= 0;
  const pause = (ms) => new Promise((done) => native.setTimeout(done, ms));
  // The next frame, or a little later where none is drawn.
  const frame = () =>
    new Promise((done) => {
      const timer = native.setTimeout(done, 100);
      native.frame(() => {
        native.clearTimeout(timer);
        done();
      });
    });
  const within = (promise, ms) =>
    Promise.race([promise.then(() => true, () => true), pause(Math.max(0, ms)).then(() => false)]);

  // All documents and shadow trees that can be reached from here.
  const roots = () => {
    const found = [];
    const visit = (root) => {
      found.push(root);
      for (const element of root.querySelectorAll("*")) {
        const closed = state && state.closedRoots.get(element);
        const shadow = element.shadowRoot || closed;
        if (shadow) visit(shadow);
        if (element.localName === "iframe" || element.localName === "frame") {
          try {
            if (element.contentDocument) visit(element.contentDocument);
          } catch {
            // Another origin.
          }
        }
      }
    };
    visit(document);
    return found;
  };
  const all = (selector) => roots().flatMap((root) => [...root.querySelectorAll(selector)]);

  const report = { unmatched: [], masks: [], waiting: "" };
  for (const selector of [...options.hide, ...options.mask]) {
    try {
      document.createDocumentFragment().querySelector(selector);
    } catch (error) {
      return { badSelector: selector, reason: String(error.message) };
    }
  }

  // Sheets made this way are not subject to the page's content policy.
  const style = [
    "*, *::before, *::after { caret-color: transparent !important; }",
    "* { scroll-behavior: auto !important; scroll-snap-type: none !important; }",
    ...options.hide.map((selector) => `${selector} { visibility: hidden !important; }`),
  ].join("\n");
  const styled = new WeakSet();
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

  const still = (root) => {
    for (const animation of root.getAnimations ? root.getAnimations() : []) {
      // One that follows the scroll position stands still by itself.
      const view = (root.ownerDocument || root).defaultView;
      if (view && animation.timeline && !(animation.timeline instanceof view.DocumentTimeline)) {
        continue;
      }
      if (animation.playState !== "running" && !animation.pending) continue;
      try {
        const timing = animation.effect && animation.effect.getComputedTiming();
        if (timing && Number.isFinite(timing.endTime) && animation.playbackRate > 0) {
          animation.finish();
        } else {
          animation.cancel();
        }
      } catch {
        animation.cancel();
      }
    }
    for (const media of root.querySelectorAll("video, audio")) {
      if (!media.paused) media.pause();
      if (media.currentTime) media.currentTime = 0;
    }
    for (const svg of root.querySelectorAll("svg")) {
      if (svg.pauseAnimations && svg.querySelector("animate, animateTransform, animateMotion, set")) {
        svg.pauseAnimations();
        svg.setCurrentTime(0);
      }
    }
  };

  const height = () => document.documentElement.scrollHeight;
  const lazy = all("img[loading=lazy], iframe[loading=lazy]");
  for (const element of lazy) element.loading = "eager";

  const sweep = async () => {
    const step = Math.max(200, window.innerHeight);
    for (let y = 0; y < height() && y <= options.maxHeight && !late(); y += step) {
      window.scrollTo(0, y);
      await frame();
    }
    window.scrollTo(0, 0);
    await frame();
  };

  const images = () => all("img").filter((image) => image.src || image.srcset);
  const fontsReady = () =>
    Promise.all(roots().map((root) => (root.fonts ? root.fonts.ready : undefined)));
  const newest = performance.now();
  // What the page is waiting for, or an empty string.
  const waiting = () => {
    if (document.readyState !== "complete") return "the document is still loading";
    if (document.fonts && document.fonts.status === "loading") return "fonts are still loading";
    const image = images().find((image) => !image.complete);
    if (image) return `an image is still loading: ${image.currentSrc || image.src}`;
    const since = performance.now() - newest;
    // A page may leave a request open for ever, and start one timer from the other.
    if (state && state.requests > 0 && since < options.patience) return "requests are open";
    if (state && state.timeouts.size && since < options.timers) return "timers are running";
    return "";
  };

  roots().forEach(addStyle);
  if ((state && state.needsSweep) || window.onscroll || document.onscroll || lazy.length) {
    await sweep();
  }

  let heights = [];
  for (;;) {
    const trees = roots();
    trees.forEach(addStyle);
    trees.forEach(still);
    report.waiting = waiting();
    if (report.waiting) {
      heights = [];
      await within(fontsReady(), Math.min(left(), 50));
    } else {
      heights = [...heights, height()].slice(-3);
      if (heights.length === 3 && heights.every((h) => h === heights[0])) break;
      report.waiting = "the height of the page keeps changing";
    }
    if (late()) break;
    await frame();
  }
  if (!late()) {
    report.waiting = "";
    const decoded = Promise.all(images().map((image) => image.decode().catch(() => {})));
    if (!(await within(decoded, left()))) report.waiting = "images are still being decoded";
  }
  window.scrollTo(0, 0);

  for (const cover of document.querySelectorAll("visual-browser-mask")) cover.remove();
  // Masks are painted, so that what is under them neither moves nor is kept.
  const boxes = options.areas.map((area) => [area.x, area.y, area.width, area.height]);
  for (const selector of options.mask) {
    const found = all(selector).filter((element) => element.ownerDocument === document);
    if (!found.length) report.unmatched.push(selector);
    for (const element of found) {
      const box = element.getBoundingClientRect();
      if (box.width && box.height) {
        boxes.push([box.x + scrollX, box.y + scrollY, box.width, box.height]);
      }
    }
  }
  for (const selector of options.hide) {
    if (!all(selector).length) report.unmatched.push(selector);
  }
  const right = window.innerWidth;
  const bottom = height();
  for (const [x, y, width, tall] of boxes) {
    const x0 = Math.max(0, Math.floor(x));
    const y0 = Math.max(0, Math.floor(y));
    const x1 = Math.min(right, Math.ceil(x + width));
    const y1 = Math.min(bottom, Math.ceil(y + tall));
    if (x1 > x0 && y1 > y0) report.masks.push({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 });
  }
  for (const { x, y, width, height } of report.masks) {
    const cover = document.createElement("visual-browser-mask");
    const set = (property, value) => cover.style.setProperty(property, value, "important");
    set("all", "initial");
    set("position", "absolute");
    set("z-index", "2147483647");
    set("left", `${x}px`);
    set("top", `${y}px`);
    set("width", `${width}px`);
    set("height", `${height}px`);
    set("background", "#808080");
    set("pointer-events", "none");
    document.documentElement.append(cover);
    // The root element may have been moved itself.
    const at = cover.getBoundingClientRect();
    set("left", `${x - (at.x + scrollX - x)}px`);
    set("top", `${y - (at.y + scrollY - y)}px`);
  }
  if (report.masks.length) await frame();

  const entry = performance.getEntriesByType("navigation")[0];
  const failed = state ? [...state.failed] : [];
  const origins = new Set([location.origin]);
  for (const resource of performance.getEntriesByType("resource")) {
    // The browser asks for this one by itself, and most sites do not have it.
    const unasked = resource.name === `${location.origin}/favicon.ico`;
    if (resource.responseStatus >= 400 && !unasked) failed.push(resource.name);
    if (/^https?:/.test(resource.name)) origins.add(new URL(resource.name).origin);
  }
  const delays = state ? [...state.intervals.values(), ...state.timeouts.values()] : [];
  return {
    ...report,
    height: bottom,
    url: location.href,
    status: (entry && entry.responseStatus) || 0,
    errorPage: location.protocol === "chrome-error:" ? document.body.innerText.slice(0, 2000) : "",
    asked: (entry && entry.name) || "",
    failed: [...new Set(failed)].slice(0, 100),
    origins: [...origins].filter((origin) => origin !== "null").slice(0, 100),
    watch: delays.length ? Math.max(...delays) : 0,
  };
})()
