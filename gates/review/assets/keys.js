// The keys, with what they do: the help is drawn from the same list.
'use strict';
(() => {
  const item = (by) => () => gate.list.step(by);
  const view = (name) => () => gate.viewer.setView(name);
  const PAN_PX = 80;
  const NAMES = {
    ' ': 'space', ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓', Escape: 'Esc',
  };

  const KEYS = [
    ['Items', [
      [['j'], 'next item', item(1)],
      [['k'], 'previous item', item(-1)],
      [['/'], 'filter', () => {
        gate.byId('filter').focus();
        gate.byId('filter').select();
      }],
    ]],
    ['Deciding', [
      [['a'], 'accept', () => gate.decide('approved')],
      [['x'], 'reject', () => gate.decide('rejected')],
      [['u'], 'undo', () => gate.decide('undone')],
      [['g'], 'decide on the whole group', () => {
        const current = gate.list.current();
        if (current) gate.decideGroup(current.group);
      }],
      [['G'], 'decide on all that is shown', () => gate.decideShown()],
    ]],
    ['Changes', [
      [['n'], 'next change', () => gate.changes.step(1)],
      [['p'], 'previous change', () => gate.changes.step(-1)],
      [['h'], 'boxes around changes', () => gate.viewer.toggle('boxes')],
      [['l'], 'aligned, with gaps', () => gate.viewer.toggle('aligned')],
      [['m'], 'areas that were left out', () => gate.viewer.toggle('masks')],
    ]],
    ['Views', [
      [['1'], 'differences', view('diff')],
      [['2', 'ArrowLeft'], 'baseline', view('baseline')],
      [['3', 'ArrowRight'], 'candidate', view('candidate')],
      [['4'], 'side by side', view('side')],
      [['5'], 'swipe', view('swipe')],
      [['6'], 'onion skin', view('onion')],
      [['7'], 'blink', view('blink')],
    ]],
    ['Zoom', [
      [[' '], 'fit the width, then all', () => gate.camera.fitNext()],
      [['+', '='], 'closer', () => gate.camera.zoomIn()],
      [['-'], 'further away', () => gate.camera.zoomOut()],
      [['ArrowUp'], 'up', () => gate.camera.panBy(0, PAN_PX)],
      [['ArrowDown'], 'down', () => gate.camera.panBy(0, -PAN_PX)],
    ]],
    ['Help', [
      [['?'], 'these keys', () => gate.ask('help-dialog')],
      [['Escape'], 'close; leave the change or the field', () => leave()],
    ]],
  ];

  const leave = () => {
    const { activeElement } = document;
    if (activeElement && activeElement.matches('input, select, textarea')) activeElement.blur();
    else if (gate.route.region !== null) gate.go({ region: null });
  };

  const bound = new Map();
  for (const [, keys] of KEYS) {
    for (const [names, , work] of keys) names.forEach((name) => bound.set(name, work));
  }

  /** Whether a key belongs to the element that has the focus. */
  const isTaken = (key, target) => {
    if (key === 'Escape') return false;
    if (target.matches('textarea, select, input:not([type=range]):not([type=checkbox])')) return true;
    if (key.startsWith('Arrow')) return target.matches('input[type=range]');
    // A row is opened with Enter, so that space fits the picture wherever somebody has clicked.
    if (key === ' ') return target.matches('button:not(.row), a, summary, input');
    return false;
  };

  const onKey = (event) => {
    if (!gate.isReviewShown() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    // A dialog has its own keys.
    if (document.querySelector('dialog[open]')) return;
    const work = bound.get(event.key);
    if (!work || isTaken(event.key, event.target)) return;
    const isInList = event.target.closest('#rows') && ['ArrowUp', 'ArrowDown'].includes(event.key);
    event.preventDefault();
    if (isInList) gate.list.step(event.key === 'ArrowDown' ? 1 : -1);
    else work();
  };

  const help = () =>
    KEYS.map(([title, keys]) =>
      gate.el(
        'section',
        {},
        gate.el('h3', {}, title),
        gate.el(
          'dl',
          {},
          ...keys.map(([names, text]) =>
            gate.el(
              'div',
              {},
              gate.el('dt', {}, ...names.map((name) => gate.el('kbd', {}, NAMES[name] || name))),
              gate.el('dd', {}, text),
            ),
          ),
        ),
      ),
    );

  gate.on('items', () => {
    gate.byId('help-keys').replaceChildren(...help());
    gate.byId('help').addEventListener('click', () => gate.ask('help-dialog'));
    document.addEventListener('keydown', onKey);
  });
})();
