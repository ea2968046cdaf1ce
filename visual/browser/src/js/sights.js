// Runs in every document after vitals.js, and notes in which frames each of these elements is shown.
((selectors) => {
  const name = "__visualSights";
  if (window.top !== window || name in window || selectors.length === 0) return;
  const seen = selectors.map(() => ({ first: null, last: null, now: false, wrong: null }));
  Object.defineProperty(window, name, { value: seen });
  const isShown = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const look = () => {
    selectors.forEach((selector, at) => {
      const one = seen[at];
      try {
        one.now = [...document.querySelectorAll(selector)].some(isShown);
      } catch (error) {
        one.wrong = String(error.message);
      }
      if (!one.now) return;
      one.last = performance.now();
      one.first ??= one.last;
    });
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})(__SELECTORS__);
