// Runs in every frame before any script of the page. It makes chance and the clock repeatable,
// holds long timers, and notes what the page is still waiting for.
(() => {
  const options = __OPTIONS__;
  const name = "__visualBrowser";
  if (name in window) return;

  const native = {
    setTimeout: window.setTimeout.bind(window),
    clearTimeout: window.clearTimeout.bind(window),
    setInterval: window.setInterval.bind(window),
    frame: window.requestAnimationFrame.bind(window),
  };
  const state = {
    native,
    timeouts: new Map(), // id -> delay of timers that fire once and soon
    intervals: new Map(), // id -> period of those that fire again and again
    requests: 0, // requests by script that have not been answered
    needsSweep: false, // something on the page reacts to scrolling
    closedRoots: new WeakMap(),
    styled: new WeakSet(), // trees that have our style sheet
    leaving: false, // another page has been asked for in this window
    unheard: false, // something runs outside of this window's thread, or listens
    scrolled: 0, // when something was scrolled last
    held: new Map(), // id -> { due, period, run } of timers that wait to be let go
    skipped: 0, // milliseconds by which the held timers have been put forward
    failed: new Set(),
  };
  Object.defineProperty(window, name, { value: state });

  if (options.storage && location.origin === options.storage.origin) {
    try {
      for (const [key, value, session] of options.storage.items) {
        const store = session ? sessionStorage : localStorage;
        if (store.getItem(key) === null) store.setItem(key, value);
      }
    } catch {
      // A frame without storage of its own.
    }
  }

  if (window.navigation) {
    navigation.addEventListener("navigate", (event) => {
      if (event.destination.sameDocument || event.downloadRequest !== null) return;
      // A link to a telephone number leads nowhere.
      if (!/^(https?|file):/.test(event.destination.url)) return;
      native.setTimeout(() => {
        // By then the page has had its say: it may have taken the way for itself.
        state.leaving = !event.defaultPrevented && !navigation.transition;
      }, 0);
      state.leaving = true;
    });
    navigation.addEventListener("navigateerror", () => (state.leaving = false));
    navigation.addEventListener("navigatesuccess", () => (state.leaving = false));
  }

  // A generator of 32 bits (Tommy Ettinger's mulberry32).
  if (options.seed !== null) {
    let a = options.seed >>> 0;
    const next = () => {
      a = (a + 0x6d2b79f5) >>> 0;
      let t = Math.imul(a ^ (a >>> 15), a | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
    Math.random = () => next();
    if (window.crypto && crypto.randomUUID) {
      const hex = (digits) =>
        Array.from({ length: digits }, () => ((next() * 16) | 0).toString(16)).join("");
      crypto.randomUUID = () =>
        `${hex(8)}-${hex(4)}-4${hex(3)}-${"89ab"[(next() * 4) | 0]}${hex(3)}-${hex(12)}`;
    }
  }

  if (options.clock !== null) {
    // A script that waits for the clock in a loop must come to its end: the clock moves on by a
    // millisecond every few thousand readings, which no ordinary page reaches.
    let readings = 0;
    const now = () => options.clock + Math.floor(++readings / 4096);
    const RealDate = window.Date;
    RealDate.now = () => now();
    const FixedDate = new Proxy(RealDate, {
      construct: (target, args, as) => Reflect.construct(target, args.length ? args : [now()], as),
      apply: () => new RealDate(now()).toString(),
    });
    RealDate.prototype.constructor = FixedDate;
    window.Date = FixedDate;
  }

  // Far beyond the time that a page is looked at.
  const never = 0x7fffffff;
  const isHeld = (delay) => options.hold !== null && delay >= options.hold;
  const hold = (callback, ms, period, args) => {
    const id = native.setTimeout(() => {}, never);
    const run = () =>
      typeof callback === "function" ? callback.apply(window, args) : native.setTimeout(callback, 0);
    state.held.set(id, { due: performance.now() + state.skipped + ms, period, run });
    return id;
  };
  // Runs the held timer that is due first, if that is not later than `limit`.
  state.runNextHeld = (limit) => {
    let first = null;
    for (const entry of state.held) if (!first || entry[1].due < first[1].due) first = entry;
    if (!first || first[1].due > limit) return false;
    const [id, timer] = first;
    if (timer.period === null) state.held.delete(id);
    state.skipped = Math.max(state.skipped, timer.due - performance.now());
    timer.due += timer.period;
    // In a task of its own, so that what it throws is the page's affair.
    native.setTimeout(timer.run, 0);
    return true;
  };
  window.setTimeout = function setTimeout(callback, delay, ...args) {
    const ms = Number(delay) || 0;
    if (isHeld(ms)) return hold(callback, ms, null, args);
    if (typeof callback !== "function") return native.setTimeout(callback, ms);
    const id = native.setTimeout(() => {
      state.timeouts.delete(id);
      callback.apply(window, args);
    }, ms);
    state.timeouts.set(id, ms);
    return id;
  };
  window.setInterval = function setInterval(callback, delay, ...args) {
    const ms = Number(delay) || 0;
    if (isHeld(ms)) return hold(callback, ms, Math.max(ms, 4), args);
    const id = native.setInterval(callback, ms, ...args);
    state.intervals.set(id, ms);
    return id;
  };
  // The two ways to clear share their numbers, as the standard has it.
  for (const which of ["clearTimeout", "clearInterval"]) {
    window[which] = (id) => {
      state.timeouts.delete(Number(id));
      state.intervals.delete(Number(id));
      state.held.delete(Number(id));
      native.clearTimeout(id);
    };
  }

  if (window.fetch) {
    const fetch = window.fetch;
    window.fetch = function (...args) {
      state.requests++;
      const done = () => state.requests--;
      const answer = fetch.apply(this, args);
      answer.then(done, done);
      return answer;
    };
  }
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (...args) {
    state.requests++;
    this.addEventListener("loadend", () => state.requests--, { once: true });
    return send.apply(this, args);
  };

  // Nobody can tell when one of these speaks up next.
  for (const kind of ["Worker", "SharedWorker", "WebSocket", "EventSource"]) {
    if (!window[kind]) continue;
    window[kind] = new Proxy(window[kind], {
      construct(target, args, as) {
        state.unheard = true;
        return Reflect.construct(target, args, as);
      },
    });
  }

  const observe = IntersectionObserver.prototype.observe;
  IntersectionObserver.prototype.observe = function (...args) {
    state.needsSweep = true;
    return observe.apply(this, args);
  };
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, ...args) {
    if (type === "scroll" || type === "wheel") state.needsSweep = true;
    return listen.call(this, type, ...args);
  };
  const scrolled = () => (state.scrolled = performance.now());
  listen.call(window, "scroll", scrolled, { capture: true, passive: true });
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (...args) {
    const root = attach.apply(this, args);
    if (root.mode === "closed") state.closedRoots.set(this, root);
    // It does not get out of the tree.
    listen.call(root, "scroll", scrolled, { capture: true, passive: true });
    return root;
  };

  listen.call(
    window,
    "error",
    (event) => {
      const from = event.target;
      const address = from && from !== window && (from.currentSrc || from.src || from.href);
      if (typeof address === "string" && state.failed.size < 100) state.failed.add(address);
    },
    true,
  );
})();
