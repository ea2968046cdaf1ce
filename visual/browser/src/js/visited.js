// Gives what was noted of the page so far, once what has changed last could be painted.
(async () => {
  const pause = (most) => new Promise((done) => setTimeout(done, most));
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await Promise.race([frame().then(frame), pause(1000)]);
  const [entry] = performance.getEntriesByType("navigation");
  const seen = window.__visualVitals;
  return {
    url: location.href,
    text: document.body ? document.body.innerText.slice(0, 2000) : "",
    status: entry ? entry.responseStatus : 0,
    began: performance.timeOrigin,
    firstByte: entry ? entry.responseStart : null,
    loaded: entry ? entry.loadEventStart : null,
    fcp: seen ? seen.fcp : null,
    lcp: seen ? seen.lcp : null,
    shifts: seen ? seen.shifts : null,
    quiet: seen ? performance.now() - seen.at : 0,
  };
})()
