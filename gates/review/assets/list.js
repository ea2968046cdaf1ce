// The list of items. It is virtual: only the rows in sight, and some around them, are elements.
'use strict';
(() => {
  const HEIGHTS = { group: 34, item: 66 };
  const AROUND_PX = 400;
  /** Thumbnails wait until the list stands still for as long as this. */
  const STILL_MS = 90;

  const list = (gate.list = { rows: [], shown: [], order: [] });
  const collapsed = new Set();
  const drawn = new Map();
  let tops = [0];
  let firstUnsaid = true;

  const box = () => gate.byId('rows');

  /** The rows of these items: groups where their first one stands, each with all of its own. */
  const rowsOf = (items) => {
    const rows = [];
    const members = new Map();
    if (gate.route.grouped) {
      for (const item of items) {
        if (item.group === undefined) continue;
        if (!members.has(item.group)) members.set(item.group, []);
        members.get(item.group).push(item);
      }
    }
    const done = new Set();
    for (const item of items) {
      const own = members.get(item.group);
      if (!own) {
        rows.push({ kind: 'item', key: item.id, item });
      } else if (!done.has(item.group)) {
        done.add(item.group);
        rows.push({ kind: 'group', key: `group ${item.group}`, group: item.group, items: own });
        if (!collapsed.has(item.group)) {
          rows.push(...own.map((one) => ({ kind: 'item', key: one.id, item: one, inGroup: true })));
        }
      }
    }
    return rows;
  };

  const groups = new Map();
  /** All items of a group, shown or not. */
  list.all = (group) => groups.get(group) || [];

  /** Works out anew what is shown. */
  list.update = () => {
    list.shown = gate.matching();
    list.rows = rowsOf(list.shown);
    list.order = list.rows.filter((row) => row.kind === 'item').map((row) => row.item);
    list.order.forEach((item, at) => (item.place = at));
    tops = [0];
    for (const row of list.rows) tops.push(tops[tops.length - 1] + HEIGHTS[row.kind]);
    gate.byId('rows-inner').style.height = `${tops[tops.length - 1]}px`;
    for (const { element } of drawn.values()) element.remove();
    drawn.clear();
    list.draw(true);
    sayCount();
  };

  const sayCount = () => {
    const [shown, all] = [list.shown.length, gate.data.items.length];
    const text = shown === all ? gate.count(all, 'item') : `${shown} of ${gate.count(all, 'item')}`;
    const open = list.shown.filter((item) => gate.data.stateOf(item) === 'open').length;
    gate.byId('count').textContent = `${text}, ${open} open`;
    gate.byId('nothing').hidden = shown > 0;
    gate.byId('decide-shown').hidden = open === 0;
    gate.byId('decide-shown').textContent = `Decide on ${open} shown…`;
  };

  const rowAt = (y) => {
    let [low, high] = [0, list.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tops[middle + 1] <= y) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  let still = 0;
  /** Draws the rows in sight; with thumbnails once the list stands still. */
  list.draw = (isStill) => {
    const { scrollTop, clientHeight } = box();
    const from = rowAt(Math.max(0, scrollTop - AROUND_PX));
    const to = rowAt(scrollTop + clientHeight + AROUND_PX);
    const wanted = new Set();
    const fresh = [];
    for (let at = from; at <= to && at < list.rows.length; at += 1) {
      const row = list.rows[at];
      wanted.add(row.key);
      if (!drawn.has(row.key)) {
        const element = row.kind === 'group' ? groupRow(row) : itemRow(row);
        element.style.transform = `translateY(${tops[at]}px)`;
        drawn.set(row.key, { element, row, at });
        fresh.push(element);
      }
    }
    for (const [key, { element }] of drawn) {
      if (wanted.has(key) || element.contains(document.activeElement)) continue;
      element.remove();
      drawn.delete(key);
    }
    if (fresh.length) {
      const before = [...drawn.values()].sort((a, b) => a.at - b.at);
      // In the order of the list, so that Tab goes from top to bottom.
      let last = null;
      const inner = gate.byId('rows-inner');
      for (const { element } of before) {
        const next = last ? last.nextSibling : inner.firstChild;
        if (next !== element) inner.insertBefore(element, next);
        last = element;
      }
    }
    if (isStill) {
      for (const { element } of drawn.values()) {
        const image = element.querySelector('img[data-src]');
        if (!image) continue;
        image.src = image.dataset.src;
        delete image.dataset.src;
      }
    }
  };
  const onScroll = () => {
    list.draw(false);
    clearTimeout(still);
    still = setTimeout(() => list.draw(true), STILL_MS);
  };

  const stateCell = (item) => {
    const word = gate.data.stateOf(item);
    return word === 'none' ? null : gate.stateMark(word);
  };

  const itemRow = ({ item, inGroup }) => {
    const isCurrent = gate.route.item === item.id;
    const picture = item.thumbnail
      ? gate.el('img', { 'data-src': gate.data.thumbnail(item.thumbnail), alt: '', width: 72, height: 54 })
      : gate.el('span', { class: 'no-picture', 'aria-hidden': 'true' });
    const facets = Object.values(item.facets || {}).join(' · ') || item.gate;
    const button = gate.el(
      'button',
      {
        type: 'button',
        class: 'row',
        'data-item': item.id,
        'aria-current': isCurrent ? 'true' : null,
        tabindex: isCurrent || (item.place === 0 && !gate.route.item) ? 0 : -1,
        on: { click: () => gate.go({ item: item.id, region: null }, { push: true }) },
      },
      picture,
      gate.el('span', { class: 'row-title' }, item.title),
      gate.el('span', { class: 'row-facts' }, facets),
      gate.el('span', { class: 'row-marks' }, gate.verdict(item.verdict), ' ', stateCell(item)),
    );
    return gate.el(
      'li',
      { class: inGroup ? 'in-group' : '', 'aria-setsize': list.order.length, 'aria-posinset': item.place + 1 },
      button,
    );
  };

  const groupRow = ({ group, items }) => {
    const isOpen = !collapsed.has(group);
    const all = list.all(group);
    const open = all.filter((item) => gate.data.stateOf(item) === 'open').length;
    const size = items.length === all.length ? gate.count(all.length, 'item') : `${items.length} of ${gate.count(all.length, 'item')}`;
    const toggle = () => {
      if (!collapsed.delete(group)) collapsed.add(group);
      list.update();
      const again = drawn.get(`group ${group}`);
      if (again) again.element.querySelector('button').focus();
    };
    return gate.el(
      'li',
      { class: 'group' },
      gate.el(
        'button',
        { type: 'button', class: 'group-name', 'aria-expanded': String(isOpen), on: { click: toggle } },
        gate.el('span', { class: 'turn', 'aria-hidden': 'true' }),
        `Same change: ${size}`,
      ),
      open
        ? gate.el(
            'button',
            { type: 'button', class: 'small', on: { click: () => gate.decideGroup(group) } },
            `Decide ${open}…`,
          )
        : gate.el('span', { class: 'row-facts' }, 'all decided'),
    );
  };

  /** Brings the row of an item into sight. */
  list.reveal = (item) => {
    if (gate.route.grouped && collapsed.has(item.group)) {
      collapsed.delete(item.group);
      list.update();
    }
    const at = list.rows.findIndex((row) => row.item === item);
    if (at < 0) return;
    const { scrollTop, clientHeight } = box();
    const [top, bottom] = [tops[at], tops[at + 1]];
    if (top < scrollTop) box().scrollTop = Math.max(0, top - HEIGHTS.group);
    else if (bottom > scrollTop + clientHeight) box().scrollTop = bottom - clientHeight;
    list.draw(true);
  };

  /** The item that is looked at. */
  list.current = () => gate.data.byId.get(gate.route.item);

  /** Goes on to the next item, or the one before, of those shown. */
  list.step = (by) => {
    if (!list.order.length) return;
    const current = list.current();
    const isShown = current && list.order[current.place] === current;
    // What was filtered away by deciding on it has left its place to the next one.
    const place = (current && current.place) || 0;
    const from = isShown ? place + by : by > 0 ? place : place - 1;
    const next = list.order[Math.min(Math.max(from, 0), list.order.length - 1)];
    if (next === current) return;
    const hadFocus = box().contains(document.activeElement);
    gate.go({ item: next.id, region: null }, { push: true });
    const row = drawn.get(next.id);
    if (hadFocus && row) row.element.querySelector('button').focus();
  };

  const markCurrent = () => {
    const item = list.current();
    if (item) list.reveal(item);
    for (const [key, { element, row }] of drawn) {
      if (row.kind !== 'item') continue;
      const button = element.firstChild;
      const isCurrent = key === gate.route.item;
      if (isCurrent) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
      button.tabIndex = isCurrent || (!item && row.item.place === 0) ? 0 : -1;
    }
  };

  const FILTERS = ['filter', 'verdicts', 'state', 'gate', 'facets', 'grouped'];
  const filterText = (route) => JSON.stringify(FILTERS.map((name) => route[name]));

  gate.on('items', () => {
    box().addEventListener('scroll', onScroll, { passive: true });
    new ResizeObserver(() => list.draw(true)).observe(box());
    gate.byId('decide-shown').addEventListener('click', () => gate.decideShown());
    for (const item of gate.data.items) {
      if (item.group === undefined) continue;
      if (!groups.has(item.group)) groups.set(item.group, []);
      groups.get(item.group).push(item);
    }
    list.update();
    if (!list.current() && list.order.length) {
      const item = gate.route.item ? null : list.order[0];
      if (item) gate.go({ item: item.id });
      else gate.tell(`the run has no item ${gate.route.item}`);
    } else {
      markCurrent();
    }
    firstUnsaid = false;
  });
  gate.on('route', (before) => {
    if (filterText(before) !== filterText(gate.route)) {
      box().scrollTop = 0;
      list.update();
      if (!firstUnsaid) gate.tell(gate.byId('count').textContent);
    }
    markCurrent();
  });
  gate.on('states', () => {
    const focused = document.activeElement;
    const key = focused && box().contains(focused) ? focused.dataset.item : null;
    list.update();
    const row = key && drawn.get(key);
    if (row) row.element.firstChild.focus();
  });
})();
