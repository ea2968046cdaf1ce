// Does one thing on a loaded page, or waits for something. Evaluated in the page; gives
// `{ done, reason, x, y }`.
(async () => {
  const options = __OPTIONS__;
__PAGE__
  const wrong = badSelector([...options.hide, ...options.remove, ...options.selectors]);
  if (wrong) return wrong;
  const here = () => rootsFrom(document, false);
  const find = (selector) => here().flatMap((root) => [...root.querySelectorAll(selector)]);
  const isVisible = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && element.checkVisibility({ visibilityProperty: true });
  };
  const nameOf = (element) => {
    const id = element.id && `#${element.id}`;
    const name = element.classList && element.classList[0];
    return `<${element.localName}${id || (name ? `.${name}` : "")}>`;
  };
  const parentOf = (node) => node.assignedSlot || node.parentNode || node.host || null;
  const isIn = (node, element) => {
    for (let at = node; at; at = parentOf(at)) if (at === element) return true;
    return false;
  };
  // The innermost element at a point, through shadow trees.
  const at = (x, y) => {
    let found = document.elementFromPoint(x, y);
    for (;;) {
      const shadow = found && (found.shadowRoot || (state && state.closedRoots.get(found)));
      const inner = shadow && shadow.elementFromPoint(x, y);
      if (!inner || inner === found) return found;
      found = inner;
    }
  };
  const corner = (element) => {
    // A link over two lines has nothing in the middle of its box.
    const { x, y, width, height } =
      element.getClientRects()[0] || element.getBoundingClientRect();
    return { x, y, width, height };
  };
  const isInside = ({ x, y, width, height }) =>
    x >= 0 && y >= 0 && x + width <= innerWidth && y + height <= innerHeight;

  // Each looks once, and gives what is missing as text, or an object when it is done.
  const kinds = {
    async point() {
      const [first, ...others] = find(options.selector);
      if (!first) return "there is no such element";
      const element = [first, ...others].find(isVisible);
      if (!element) return "it is not visible";
      if (element.matches(":disabled")) return "it is disabled";
      if (!isInside(corner(element))) {
        element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      }
      await frame();
      const before = corner(element);
      await frame();
      const box = corner(element);
      if (Object.keys(box).some((key) => box[key] !== before[key])) return "it keeps moving";
      const x = box.x + box.width / 2;
      const y = box.y + box.height / 2;
      const hit = at(x, y);
      if (!hit) return "it is outside the window";
      const label = element.labels && [...element.labels].some((label) => isIn(hit, label));
      if (!isIn(hit, element) && !label) return `it is covered by ${nameOf(hit)}`;
      return { done: true, x, y };
    },
    focus() {
      const element = find(options.selector).find(isVisible);
      if (!element) return find(options.selector).length ? "it is not visible" : "there is no such element";
      if (element.matches(":disabled")) return "it is disabled";
      element.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
      element.focus({ preventScroll: true });
      return { done: true };
    },
    fill() {
      const focused = kinds.focus();
      if (!focused.done) return focused;
      const element = find(options.selector).find(isVisible);
      const tell = () => {
        element.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
        element.dispatchEvent(new Event("change", { bubbles: true }));
      };
      if (element.localName === "select") {
        const fits = (option) => option.value === options.text || option.label === options.text;
        const option = [...element.options].find(fits);
        if (!option) return "it has no such option";
        option.selected = true;
        tell();
        return { done: true };
      }
      if (element.isContentEditable) {
        const range = document.createRange();
        range.selectNodeContents(element);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        return { done: true, type: true };
      }
      if (!("value" in element) || element.readOnly) return "it cannot be filled in";
      const typed = ["text", "search", "url", "tel", "email", "password", "number", "textarea"];
      if (typed.includes(element.type)) {
        element.select();
        return { done: true, type: true };
      }
      if (["checkbox", "radio", "file", "button", "submit"].includes(element.type)) {
        return "it cannot be filled in";
      }
      // Dates, colours, ranges: through the setter that a framework has not replaced.
      const proto = Object.getPrototypeOf(element);
      Object.getOwnPropertyDescriptor(proto, "value").set.call(element, options.text);
      if (element.value !== options.text) return "it does not take this value";
      tell();
      return { done: true };
    },
    scroll() {
      const element = find(options.selector)[0];
      if (!element) return "there is no such element";
      element.scrollIntoView({ block: "start", inline: "nearest", behavior: "instant" });
      return { done: true };
    },
    scrollTo() {
      window.scrollTo(options.x, options.y);
      return { done: true };
    },
    selector: () => (find(options.selector).some(isVisible) ? { done: true } : "it is not there"),
    gone: () => (find(options.selector).some(isVisible) ? "it is still there" : { done: true }),
    text() {
      const shown = document.body ? document.body.innerText : "";
      const inTrees = () =>
        here().slice(1).some((root) =>
          [...root.children].some((child) => (child.innerText || "").includes(options.text)));
      return shown.includes(options.text) || inTrees() ? { done: true } : "it is not there";
    },
    async fonts() {
      await within(Promise.all(roots().map((root) => root.fonts && root.fonts.ready)), left());
      return document.fonts.status === "loaded" ? { done: true } : "they are still loading";
    },
    async expression() {
      const condition = () => (__EXPRESSION__);
      try {
        return (await condition()) ? { done: true } : "it does not hold";
      } catch (error) {
        // What it asks may not be there yet.
        return `it throws ${error}`;
      }
    },
    async delay() {
      const until = started + options.ms;
      while (performance.now() < until && !late()) {
        while (state && state.runNextHeld(performance.now() + state.skipped));
        await pause(Math.min(20, Math.max(0, until - performance.now())));
      }
      return { done: true };
    },
    async networkIdle() {
      let last = performance.now();
      const watch = new PerformanceObserver(() => (last = performance.now()));
      watch.observe({ type: "resource" });
      while (!late()) {
        if (waitingFor(Infinity, 0)) last = performance.now();
        if (performance.now() - last >= 500) return { done: true };
        await pause(20);
      }
      return "something is still under way";
    },
  };

  // What a long timer brings is waited for too. It runs once nothing else is under way, so that
  // the order of things does not depend on how fast this machine is.
  const brings = ["selector", "gone", "text", "expression"].includes(options.kind);
  const limit = state ? performance.now() + state.skipped + options.deadline : 0;
  let reason = "";
  for (;;) {
    rootsFrom(document, true).forEach(addStyle);
    reason = "the page is still loading";
    const isHere = !(state && state.leaving) && document.readyState === "complete";
    if (isHere || options.kind === "delay") {
      let seen;
      try {
        seen = await kinds[options.kind]();
      } catch (error) {
        return { reason: `it throws ${error}` };
      }
      if (seen.done) return seen;
      reason = seen;
    }
    if (late()) return { reason };
    if (brings && state && !waitingFor(2000, 1000)) state.runNextHeld(limit);
    await frame();
  }
})()
