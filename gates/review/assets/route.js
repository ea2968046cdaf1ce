// What is being looked at, kept in the address: every view has a link, and the back button works.
'use strict';
(() => {
  const VIEWS = ['diff', 'baseline', 'candidate', 'side', 'swipe', 'onion', 'blink'];
  gate.VIEWS = VIEWS;
  const FRESH = {
    item: null,
    view: 'diff',
    region: null,
    /** Shown with gaps where something has shifted; null: if anything has. */
    aligned: null,
    masks: false,
    boxes: true,
    filter: '',
    verdicts: [],
    state: '',
    gate: '',
    facets: {},
    grouped: true,
  };

  const decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const flag = (value) => value === '1';

  const parse = (hash) => {
    const route = { ...FRESH, facets: {} };
    for (const pair of hash.replace(/^#/, '').split('&')) {
      const cut = pair.indexOf('=');
      if (cut < 0) continue;
      const [name, value] = [pair.slice(0, cut), decode(pair.slice(cut + 1))];
      if (name === 'item') route.item = value;
      else if (name === 'view' && VIEWS.includes(value)) route.view = value;
      else if (name === 'region') route.region = Number.parseInt(value, 10) || null;
      else if (name === 'aligned') route.aligned = flag(value);
      else if (name === 'masks') route.masks = flag(value);
      else if (name === 'boxes') route.boxes = flag(value);
      else if (name === 'grouped') route.grouped = flag(value);
      else if (name === 'filter') route.filter = value;
      else if (name === 'verdict') route.verdicts = value.split(',').filter(Boolean);
      else if (name === 'state') route.state = value;
      else if (name === 'gate') route.gate = value;
      else if (name.startsWith('facet.')) route.facets[decode(name.slice(6))] = value;
    }
    return route;
  };

  const format = (route) => {
    const pairs = gate.single ? ['page=review.html'] : [];
    // A slash may stand in a hash, and reads better.
    const encode = (text) => encodeURIComponent(text).replaceAll('%2F', '/');
    const add = (name, value) => pairs.push(`${name}=${encode(String(value))}`);
    if (route.item) add('item', route.item);
    if (route.view !== FRESH.view) add('view', route.view);
    if (route.region) add('region', route.region);
    if (route.aligned !== null) add('aligned', Number(route.aligned));
    if (route.masks) add('masks', 1);
    if (!route.boxes) add('boxes', 0);
    if (route.filter) add('filter', route.filter);
    if (route.verdicts.length) add('verdict', route.verdicts.join(','));
    if (route.state) add('state', route.state);
    if (route.gate) add('gate', route.gate);
    if (!route.grouped) add('grouped', 0);
    for (const [name, value] of Object.entries(route.facets)) {
      if (value) add(`facet.${encode(name)}`, value);
    }
    return `#${pairs.join('&')}`;
  };

  gate.route = parse(location.hash);

  /**
   * Goes somewhere: `changes` are laid over what is being looked at. A step that somebody would
   * want to go back over is pushed, others replace the one before.
   */
  gate.go = (changes, { push = false } = {}) => {
    const before = gate.route;
    gate.route = { ...before, ...changes };
    const hash = format(gate.route);
    if (hash !== format(before)) {
      history[push ? 'pushState' : 'replaceState'](null, '', hash);
    }
    gate.say('route', before);
  };
  addEventListener('popstate', () => {
    if (!gate.isReviewShown()) return;
    const before = gate.route;
    const after = parse(location.hash);
    if (gate.single && before.item && !after.item) {
      // Back from another page, to where one was.
      history.replaceState(null, '', format(before));
      return;
    }
    gate.route = after;
    gate.say('route', before);
  });
})();
