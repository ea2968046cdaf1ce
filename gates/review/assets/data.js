// Where the page's data comes from: from the server that serves it, or, when the page was opened
// from disk, from scripts that lie beside it. Nothing else asks for data.
//
// A static page brings its data in classic scripts, which call
//   gate.items([...])             its items, in as many chunks as it takes
//   gate.states({...})            what was decided when it was written
//   gate.proposals([...])         what can be decided, whole
//   gate.page(NAME, HTML)         another page; data/NAME.js is asked for one that is missing
//   gate.diff(DIGEST, {...})      comparisons; evidence/DIGEST.js is asked for one that is missing
// and a page that holds everything has its files within itself: see single.js.
'use strict';
(() => {
  const { settings } = gate;
  const isStatic = !settings.csrf;
  const STAGED = `gate-staged-${settings.run}`;
  /** How many decisions go into one request. */
  const AT_ONCE = 1000;
  const EVERY_MS = 5000;

  const diffs = new Map();
  const waiting = new Map();
  const proposals = new Map();
  let recorded = {};
  let lastText = '';

  const data = (gate.data = { items: [], states: {}, isStatic, byId: new Map() });

  gate.items = (items) => {
    data.items.push(...items);
  };
  gate.proposals = (all) => {
    for (const proposal of all) proposals.set(proposal.id, proposal);
  };
  gate.states = (states) => {
    recorded = states;
  };
  gate.diff = (digest, diff) => {
    diffs.set(digest, Promise.resolve(diff));
    const waits = waiting.get(digest);
    if (waits) waits(diff);
  };

  gate.page = (name, html) => {
    const waits = waiting.get(name);
    if (waits) waits(html);
  };

  const get = async (path) => {
    const answer = await fetch(path, { credentials: 'same-origin' });
    if (!answer.ok) throw new Error((await answer.text()).trim() || `${path}: ${answer.status}`);
    return answer;
  };

  const fromScript = (name, src, what) =>
    new Promise((resolve, reject) => {
      waiting.set(name, resolve);
      const onerror = () => reject(new Error(`${what} is not part of this report`));
      document.head.append(gate.el('script', { src, on: { error: onerror } }));
    });

  const asks = (digest) => {
    if (gate.single) return gate.single.json(digest);
    if (isStatic) return fromScript(digest, `evidence/${digest}.js`, 'the comparison');
    return get(`evidence/${digest}.json`).then((answer) => answer.json());
  };

  /** A comparison of two pictures; each is asked for once. */
  data.diff = (digest) => {
    if (!diffs.has(digest)) {
      const asked = asks(digest);
      asked.catch(() => diffs.delete(digest));
      diffs.set(digest, asked);
    }
    return diffs.get(digest);
  };

  const pages = new Map();
  const asksPage = async (name) => {
    if (gate.single) return gate.single.content(name);
    const html = isStatic
      ? await fromScript(name, `data/${name}.js`, 'the page')
      : await (await get(name)).text();
    return new DOMParser().parseFromString(html, 'text/html');
  };

  /** What a page of a gate shows of a check, by the link to it. Each page is asked for once. */
  data.section = async (link) => {
    const [name, id] = link.split('#');
    if (!pages.has(name)) {
      const asked = asksPage(name);
      asked.catch(() => pages.delete(name));
      pages.set(name, asked);
    }
    const section = (await pages.get(name)).querySelector(`#${id}`);
    if (!section) throw new Error('the page of the gate does not show it');
    return document.importNode(section, true);
  };

  data.picture = (digest) => (gate.single ? gate.single.url(digest) : `evidence/${digest}.png`);
  data.thumbnail = (digest) => (isStatic ? data.picture(digest) : `thumbnails/${digest}.png`);

  /** What is known of an item: open, approved, rejected, stale, or none if nobody can decide it. */
  data.stateOf = (item) => {
    if (!item.proposal) return 'none';
    const state = data.states[item.proposal];
    if (!state || state.state === 'open') return 'open';
    return state.state === 'stale' ? 'stale' : state.said;
  };

  // Decisions of a page from disk wait in the page until they are downloaded.
  const staged = () => {
    try {
      return JSON.parse(localStorage.getItem(STAGED)) || {};
    } catch {
      return {};
    }
  };
  const mergeStaged = () => {
    data.states = { ...recorded };
    for (const [proposal, one] of Object.entries(data.staged)) {
      if (one.said === 'undone') delete data.states[proposal];
      else data.states[proposal] = { state: 'decided', ...one };
    }
  };
  const keepStaged = () => {
    try {
      localStorage.setItem(STAGED, JSON.stringify(data.staged));
    } catch {
      // A browser that keeps nothing for files: they last as long as the page.
    }
  };
  const stage = (wishes, reason, by) => {
    const at = new Date().toISOString();
    const answers = wishes.map(({ proposal, said }) => {
      const known = data.states[proposal];
      const refused = refusal(known, said);
      if (refused) return { proposal, ...(known || { state: 'open' }), refused };
      if (said === 'undone' && !recorded[proposal]) delete data.staged[proposal];
      else data.staged[proposal] = { said, by, at, reason };
      mergeStaged();
      return { proposal, ...(data.states[proposal] || { state: 'open' }) };
    });
    keepStaged();
    return answers;
  };
  /** The rules of the server, so that a staged file holds nothing that cannot be carried out. */
  const refusal = (known, said) => {
    const last = known && known.state === 'decided' ? known : null;
    if (known && known.state === 'stale') return `${known.path} has changed since the run`;
    if (said === 'undone' && !last) return 'there is nothing to take back';
    if (last && last.said === 'approved' && said !== 'undone') {
      const by = `${last.by} has approved it already`;
      return said === 'approved' ? by : 'it was approved; take that back first';
    }
    return null;
  };

  /** The file of staged decisions, as `gate apply` reads it: each with its proposal, whole. */
  data.decisionsFile = () => ({
    schema: 'gate-decisions/v1',
    run: settings.run,
    decisions: Object.entries(data.staged).map(([proposal, { said, by, at, reason }]) => ({
      schema: 'gate-decision/v1',
      proposal: proposals.get(proposal),
      decision: said,
      by,
      at,
      reason,
      run: settings.run,
    })),
  });

  const post = async (wishes, reason, by) => {
    const answer = await fetch('api/decisions', {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', 'X-Gate-Csrf': settings.csrf },
      body: JSON.stringify({ decisions: wishes, reason, by }),
    });
    if (!answer.ok) throw new Error((await answer.text()).trim() || `status ${answer.status}`);
    return answer.json();
  };

  /**
   * Decides on the proposals of these items, each for itself. Answers what is known of each
   * afterwards, with `refused` where it was not carried out.
   */
  data.decide = async (items, said, reason, by, on = () => {}) => {
    const answers = [];
    for (let at = 0; at < items.length; at += AT_ONCE) {
      const wishes = items.slice(at, at + AT_ONCE).map(({ proposal }) => {
        const state = data.states[proposal];
        return { proposal, said, seen: state && state.state === 'decided' ? state.at : null };
      });
      decided += 1;
      const some = isStatic ? stage(wishes, reason, by) : await post(wishes, reason, by);
      decided += 1;
      for (const { proposal, refused, ...state } of some) {
        if (state.state === 'open') delete data.states[proposal];
        else data.states[proposal] = state;
      }
      answers.push(...some);
      on(answers.length);
    }
    lastText = '';
    gate.say('states');
    return answers;
  };

  // What was asked before a decision and arrives after it is out of date.
  let decided = 0;
  const poll = async () => {
    const before = decided;
    try {
      const text = await (await get('api/states')).text();
      data.lost(false);
      if (text === lastText || before !== decided) return;
      lastText = text;
      data.states = JSON.parse(text);
      gate.say('states');
    } catch {
      data.lost(true);
    }
  };
  let isLost = false;
  data.lost = (lost) => {
    if (lost === isLost) return;
    isLost = lost;
    gate.say('lost', lost);
  };

  /** Loads the items; says `items` once they are there, and `states` whenever those change. */
  data.load = async () => {
    if (isStatic) {
      data.staged = staged();
      mergeStaged();
    } else {
      // Items are worth showing before it is known what was decided on them.
      const states = poll();
      data.items = await (await get('api/items')).json();
      setInterval(() => document.visibilityState === 'visible' && poll(), EVERY_MS);
      document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'visible') poll();
      });
      states.catch(() => {});
    }
    data.items.forEach((item, at) => {
      item.at = at;
      data.byId.set(item.id, item);
    });
    gate.say('items');
  };
})();
