// Brings a loaded page to rest and reports on it. Evaluated in the page; gives a plain object.
(async () => {
  const options = __OPTIONS__;
__PAGE__
  const report = { unmatched: [], masks: [], waiting: "" };
  const clips = options.clip === null ? [] : [options.clip];
  const wrong = badSelector([...options.hide, ...options.remove, ...options.mask, ...clips]);
  if (wrong) return wrong;

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
      // What comes into view is only noticed in a frame, however busy this machine is.
      await frame(1000);
    }
    window.scrollTo(...home);
    await frame();
  };

  const fontsReady = () =>
    Promise.all(roots().map((root) => (root.fonts ? root.fonts.ready : undefined)));
  const waiting = () => waitingFor(options.patience, options.timers);
  // A step may have scrolled the page on purpose.
  const home = options.stay ? [window.scrollX, window.scrollY] : [0, 0];

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
  window.scrollTo(...home);

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
  for (const selector of [...options.hide, ...options.remove]) {
    if (!all(selector).length) report.unmatched.push(selector);
  }
  // A phone lays a page out that says nothing about its width as if it were a desktop.
  const right = options.mobile ? document.documentElement.clientWidth : window.innerWidth;
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
  // What has just been changed is painted in the first of these frames.
  await frame();
  await frame();

  // What is drawn past the document leaves no trace when it changes.
  const unseen = "canvas, video, audio, marquee, embed, object";
  const isForeign = (frame) => {
    try {
      return !frame.contentDocument;
    } catch {
      return true;
    }
  };
  // A worker has timers of its own, and so have frames of other origins.
  const unheard = (state && state.unheard) || all("iframe, frame").some(isForeign);
  const runs = (animation) => animation.playState === "running" && !animation.pending;
  const observable =
    !all(unseen).some((element) => element.getClientRects().length) &&
    !(window.CSS && CSS.highlights && CSS.highlights.size) &&
    !roots().some((root) => root.getAnimations && root.getAnimations().some(runs));

  let clip = null;
  if (options.clip !== null) {
    const boxes = all(options.clip)
      .filter((element) => element.ownerDocument === document)
      .map((element) => element.getBoundingClientRect())
      .filter((box) => box.width > 0 && box.height > 0);
    if (boxes.length) {
      const x = Math.max(0, Math.floor(boxes[0].left + scrollX));
      const y = Math.max(0, Math.floor(boxes[0].top + scrollY));
      const width = Math.ceil(boxes[0].right + scrollX) - x;
      const height = Math.ceil(boxes[0].bottom + scrollY) - y;
      if (width > 0 && height > 0) clip = { x, y, width, height };
    }
  }

  const entry = performance.getEntriesByType("navigation")[0];
  // By address, with the status that it was answered with.
  const failed = new Map(state ? [...state.failed].map((address) => [address, null]) : []);
  const origins = new Set([location.origin]);
  for (const resource of performance.getEntriesByType("resource")) {
    // The browser asks for this one by itself, and most sites do not have it.
    const unasked = resource.name === `${location.origin}/favicon.ico`;
    if (resource.responseStatus >= 400 && !unasked) failed.set(resource.name, resource.responseStatus);
    if (/^https?:/.test(resource.name)) origins.add(new URL(resource.name).origin);
  }
  const delays = state ? [...state.intervals.values(), ...state.timeouts.values()] : [];
  return {
    ...report,
    width: right,
    height: bottom,
    clip,
    url: location.href,
    status: (entry && entry.responseStatus) || 0,
    errorPage: location.protocol === "chrome-error:" ? document.body.innerText.slice(0, 2000) : "",
    asked: (entry && entry.name) || "",
    failed: [...failed].slice(0, 100).map(([url, status]) => ({ url, status })),
    origins: [...origins].filter((origin) => origin !== "null").slice(0, 100),
    observable: observable && !delays.length && !!state,
    watch: Math.max(0, ...delays, unheard ? options.unheard : 0),
  };
})()
