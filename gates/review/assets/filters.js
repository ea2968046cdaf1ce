// Which items are shown, and the controls that choose them.
'use strict';
(() => {
  const VERDICTS = ['fail', 'inconclusive', 'warn', 'pass'];
  const STATES = [
    ['', 'decided or not'],
    ['open', 'open'],
    ['decided', 'decided'],
    ['approved', 'accepted'],
    ['rejected', 'rejected'],
    ['stale', 'stale'],
  ];
  /** Typing waits this long for the next letter. */
  const PAUSE_MS = 120;

  const isIn = (state, wanted) =>
    !wanted || state === wanted || (wanted === 'decided' && ['approved', 'rejected'].includes(state));

  const textOf = (item) => {
    if (item.text === undefined) {
      const facets = Object.values(item.facets || {});
      item.text = [item.id, item.title, item.message, ...facets].join('\n').toLowerCase();
    }
    return item.text;
  };

  /** The items that the route lets through. */
  gate.matching = () => {
    const { filter, verdicts, state, facets, gate: name } = gate.route;
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = Object.entries(facets).filter(([, value]) => value);
    return gate.data.items.filter(
      (item) =>
        (!verdicts.length || verdicts.includes(item.verdict)) &&
        (!name || item.gate === name) &&
        isIn(gate.data.stateOf(item), state) &&
        wanted.every(([facet, value]) => (item.facets || {})[facet] === value) &&
        words.every((word) => textOf(item).includes(word)),
    );
  };

  const select = (label, options, onchange) => {
    const chosen = gate.el('select', { on: { change: () => onchange(chosen.value) } });
    for (const [value, text] of options) chosen.append(gate.el('option', { value }, text));
    return [gate.el('label', { class: 'choice' }, gate.el('span', {}, label), chosen), chosen];
  };

  const verdictChips = () => {
    const counts = new Map(VERDICTS.map((verdict) => [verdict, 0]));
    for (const { verdict } of gate.data.items) counts.set(verdict, counts.get(verdict) + 1);
    return VERDICTS.filter((verdict) => counts.get(verdict)).map((verdict) => {
      const toggle = () => {
        const now = new Set(gate.route.verdicts);
        if (!now.delete(verdict)) now.add(verdict);
        gate.go({ verdicts: VERDICTS.filter((one) => now.has(one)) });
      };
      const amount = gate.el('span', { class: 'amount' }, ` ${counts.get(verdict)}`);
      return gate.el(
        'button',
        { type: 'button', class: 'chip', 'data-verdict': verdict, on: { click: toggle } },
        gate.verdict(verdict),
        amount,
      );
    });
  };

  /** The facets that tell items apart, each with its values. */
  const facetValues = () => {
    const values = new Map();
    for (const item of gate.data.items) {
      for (const [name, value] of Object.entries(item.facets || {})) {
        if (!values.has(name)) values.set(name, new Set());
        values.get(name).add(value);
      }
    }
    return [...values].filter(([, set]) => set.size > 1);
  };

  const selects = new Map();
  const build = () => {
    const box = gate.byId('choices');
    gate.byId('verdicts').replaceChildren(...verdictChips());
    const add = (key, label, options, onchange) => {
      const [element, chosen] = select(label, options, onchange);
      selects.set(key, chosen);
      box.append(element);
    };
    add('state', 'Decision', STATES, (state) => gate.go({ state }));
    const gates = [...new Set(gate.data.items.map((item) => item.gate))];
    if (gates.length > 1) {
      const options = [['', 'all'], ...gates.map((name) => [name, name])];
      add('gate', 'Gate', options, (name) => gate.go({ gate: name }));
    }
    for (const [name, set] of facetValues()) {
      const sorted = [...set].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
      const options = [['', 'all'], ...sorted.map((value) => [value, value])];
      const label = name.charAt(0).toUpperCase() + name.slice(1);
      add(`facet.${name}`, label, options, (value) =>
        gate.go({ facets: { ...gate.route.facets, [name]: value } }),
      );
    }
    show();
  };

  /** Makes the controls say what the route says. */
  const show = () => {
    const { route } = gate;
    const text = gate.byId('filter');
    if (document.activeElement !== text || !route.filter) text.value = route.filter;
    for (const chip of gate.byId('verdicts').children) {
      chip.setAttribute('aria-pressed', route.verdicts.includes(chip.dataset.verdict));
    }
    for (const [key, chosen] of selects) {
      chosen.value = (key.startsWith('facet.') ? route.facets[key.slice(6)] : route[key]) || '';
    }
    gate.byId('grouped').checked = route.grouped;
    const isNarrow =
      route.filter || route.verdicts.length || route.state || route.gate || hasFacet(route);
    gate.byId('clear').hidden = !isNarrow;
  };
  const hasFacet = ({ facets }) => Object.values(facets).some(Boolean);

  gate.clearFilters = () =>
    gate.go({ filter: '', verdicts: [], state: '', gate: '', facets: {} });

  gate.on('items', () => {
    let typing = 0;
    gate.byId('filter').addEventListener('input', (event) => {
      clearTimeout(typing);
      const filter = event.target.value.trim();
      typing = setTimeout(() => gate.go({ filter }), PAUSE_MS);
    });
    gate.byId('filters').addEventListener('submit', (event) => event.preventDefault());
    gate.byId('grouped').addEventListener('change', (event) =>
      gate.go({ grouped: event.target.checked }),
    );
    gate.byId('clear').addEventListener('click', gate.clearFilters);
    build();
  });
  gate.on('route', show);
})();
