// Runs in every document before its own scripts, and notes what the browser measures of it.
(() => {
  const name = "__visualVitals";
  if (window.top !== window || name in window) return;
  const seen = { fcp: null, lcp: null, shifts: [], left: 10000, at: performance.now() };
  Object.defineProperty(window, name, { value: seen });
  const watch = (type, take) => {
    try {
      new PerformanceObserver((list) => {
        seen.at = performance.now();
        for (const entry of list.getEntries()) take(entry);
      }).observe({ type, buffered: true });
    } catch {
      // A browser that does not know this kind measures nothing of it.
    }
  };
  watch("paint", (entry) => {
    if (entry.name === "first-contentful-paint") seen.fcp = entry.startTime;
  });
  // Each is larger than those before.
  watch("largest-contentful-paint", (entry) => (seen.lcp = entry.startTime));
  watch("layout-shift", (entry) => {
    // What follows from something that a person did is expected.
    if (entry.hadRecentInput || seen.left-- <= 0) return;
    seen.shifts.push([entry.startTime, entry.value]);
  });
})();
