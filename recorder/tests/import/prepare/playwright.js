// Records HAR files with Playwright and the system's Chromium. Started by prepare.py, which says
// what to record, one job a line.
const path = require('node:path');
const readline = require('node:readline');
const { chromium } = require('playwright-core');

const [base, out] = process.argv.slice(2);

async function record(browser, job) {
  // With `attach` in a HAR that is no zip, bodies become files beside it.
  const folder = job.content === 'attach' ? `${job.scenario}-attached/` : '';
  const kept = `playwright/${folder}${job.mode}-${job.content}-${job.scenario}.har`;
  const context = await browser.newContext({
    recordHar: { path: path.join(out, kept), content: job.content, mode: job.mode },
  });
  const page = await context.newPage();
  // A page of its own would ask for an icon.
  await page.goto(`${base}/page`);
  for (const { method, path, headers, body } of job.requests) {
    // A browser chooses its own codings.
    const { 'Accept-Encoding': _, ...own } = headers;
    const text = body ? Buffer.from(body, 'base64').toString() : undefined;
    await page.evaluate(async ([url, init]) => {
      const answer = await fetch(url, { ...init, cache: 'no-store' });
      await answer.arrayBuffer();
    }, [base + path, { method, headers: own, body: text }]);
  }
  await context.close();
  console.log(JSON.stringify({ path: kept }));
}

(async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    await record(browser, JSON.parse(line));
  }
  await browser.close();
})();
