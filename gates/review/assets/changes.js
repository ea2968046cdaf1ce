// What changed in an item: the list beside the pictures, and the boxes on them.
'use strict';
(() => {
  const changes = (gate.changes = { all: [] });

  /** The changes of a comparison, from top to bottom of what is shown. */
  changes.of = (diff, map) => {
    const found = diff.regions.map((region) => ({ ...region, side: 'after' }));
    const { inserted = [], deleted = [], moved = [] } = diff.aligned || {};
    for (const shift of inserted) found.push({ ...shift, kind: 'inserted', side: 'after' });
    for (const shift of deleted) found.push({ ...shift, kind: 'deleted', side: 'before' });
    for (const shift of moved) found.push({ ...shift, kind: 'moved', side: 'after' });
    found.forEach((one) => (one.out = map.toOut(one.side, one.y)));
    return found.sort((a, b) => a.out - b.out || a.x - b.x);
  };

  /** Where a change stands on a side, in rows of what is shown. */
  changes.place = (change, side, scene) => {
    const { map, truth, isAligned } = scene;
    const { x, width, height } = change;
    let y = change.y;
    if (isAligned) {
      // A gap is as high as what stands beside it, so both sides have the same place for it.
      const [on, top] = change.from !== undefined && side === 'before' ? ['before', change.from] : [change.side, y];
      const out = map.toOut(on, top);
      const end = map.toOut(on, top + Math.max(height, 1) - 1) + 1;
      return { x, y: out, width, height: Math.max(end - out, 1) };
    }
    if (change.side === side) return { x, y, width, height };
    if (change.from !== undefined) return { x, y: change.from, width, height };
    y = truth.across(change.side, side, y);
    const isOneSided = change.kind === 'inserted' || change.kind === 'deleted';
    return { x, y, width, height: isOneSided ? 0 : height };
  };

  const put = (element, { x, y, width, height }) => {
    Object.assign(element.style, {
      left: `${x}px`,
      top: `${y}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    return element;
  };

  /** With more of them than this, words on all boxes would stand on each other. */
  const WORDED = 8;

  /** The boxes of a side, for its pane. Those who do not see them have the list. */
  changes.boxes = (side, scene) => {
    const many = changes.all.length > WORDED ? ' many' : '';
    const box = gate.el('div', { class: `boxes${many}`, 'aria-hidden': 'true' });
    changes.all.forEach((change, at) => {
      const word = gate.el('span', { class: 'box-kind' }, ` ${change.kind}`);
      const label = gate.el('span', { class: 'box-label' }, `${at + 1}`, word);
      const element = gate.el('div', { class: 'box', 'data-kind': change.kind, 'data-at': at + 1 }, label);
      box.append(put(element, changes.place(change, side, scene)));
    });
    return box;
  };

  changes.masks = (masks, side, scene) => {
    const box = gate.el('div', { class: 'masks', 'aria-hidden': 'true' });
    for (const mask of masks) {
      const change = { ...mask, kind: 'mask', side: 'after' };
      box.append(put(gate.el('div', { class: 'mask' }), changes.place(change, side, scene)));
    }
    return box;
  };

  const extent = (change) => {
    const { x, y, width, height, pixels, from } = change;
    const parts = [`${width}×${height} at ${x},${y}`];
    if (pixels !== undefined) parts.push(gate.count(pixels, 'pixel'));
    if (from !== undefined) parts.push(`was at ${x},${from}`);
    return parts.join(' · ');
  };

  const entry = (change, at) =>
    gate.el(
      'li',
      {},
      gate.el(
        'button',
        { type: 'button', class: 'change', 'data-at': at + 1, on: { click: () => changes.go(at + 1) } },
        gate.el('span', { class: 'change-kind', 'data-kind': change.kind }, `${at + 1} ${change.kind}`),
        change.cause ? gate.el('span', { class: 'cause' }, change.cause) : null,
        gate.el('span', { class: 'extent' }, extent(change)),
      ),
    );

  /** Shows the list of these. */
  changes.list = (all) => {
    changes.all = all;
    gate.byId('changes').replaceChildren(...all.map(entry));
    gate.byId('changes-count').textContent = all.length ? gate.count(all.length, 'change') : 'No changes';
    gate.byId('previous-change').disabled = gate.byId('next-change').disabled = !all.length;
  };

  changes.go = (at) => gate.go({ region: at, boxes: true }, { push: gate.route.region === null });
  changes.step = (by) => {
    const amount = changes.all.length;
    if (!amount) return;
    const from = gate.route.region === null ? (by > 0 ? 0 : amount + 1) : gate.route.region;
    changes.go(((from + by - 1 + amount) % amount) + 1);
    const { kind, cause } = changes.all[gate.route.region - 1];
    gate.tell(`change ${gate.route.region} of ${amount}: ${kind}${cause ? `, ${cause}` : ''}`);
  };

  /** Marks the one that is looked at, in the list and on the pictures. */
  changes.mark = () => {
    const at = String(gate.route.region || '');
    for (const element of document.querySelectorAll('.change, .box')) {
      const isCurrent = element.dataset.at === at;
      element.classList.toggle('current', isCurrent);
      if (!element.matches('.change')) continue;
      if (isCurrent) element.setAttribute('aria-current', 'true');
      else element.removeAttribute('aria-current');
      if (isCurrent) element.scrollIntoView({ block: 'nearest' });
    }
  };

  gate.on('items', () => {
    gate.byId('next-change').addEventListener('click', () => changes.step(1));
    gate.byId('previous-change').addEventListener('click', () => changes.step(-1));
  });
})();
