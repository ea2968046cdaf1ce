// Accepting, rejecting and taking back: one item, a group, or all that is shown.
'use strict';
(() => {
  const KEPT = `gate-reason-${gate.settings.run}`;
  const WORDS = { approved: 'accepted', rejected: 'rejected', undone: 'taken back' };
  const VERBS = { approved: 'Accept', rejected: 'Reject', undone: 'Take back' };
  /** What was refused, by proposal, until it is decided on again. */
  const refusals = new Map();
  let isBusy = false;

  // Asked for once, and kept as long as the window.
  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT)) || {};
    } catch {
      return {};
    }
  };
  let why = { reason: '', by: gate.settings.by || '', ...kept() };
  const keep = (fresh) => {
    why = fresh;
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(fresh));
    } catch {
      // Then it lasts as long as the page.
    }
    showWhy();
  };
  const showWhy = () => {
    const isKnown = why.reason && why.by;
    gate.byId('why').textContent = isKnown ? `as ${why.by}: “${why.reason}”` : '';
    gate.byId('edit-why').textContent = isKnown ? 'Change' : 'Set the reason';
  };

  /** Opens a dialog, and resolves with the value of the button that closes it. */
  const ask = (id) =>
    new Promise((resolve) => {
      const dialog = gate.byId(id);
      dialog.returnValue = '';
      dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true });
      dialog.showModal();
    });
  gate.ask = ask;

  const askWhy = async () => {
    gate.byId('reason').value = why.reason;
    gate.byId('by').value = why.by;
    if ((await ask('why-dialog')) !== 'ok') return false;
    keep({ reason: gate.byId('reason').value.trim(), by: gate.byId('by').value.trim() });
    return Boolean(why.reason && why.by);
  };

  const carryOut = async (items, said) => {
    if (isBusy) return;
    if (!(why.reason && why.by) && !(await askWhy())) return;
    isBusy = true;
    gate.byId('decision').setAttribute('aria-busy', 'true');
    const isLong = items.length > 1;
    const on = (done) => isLong && gate.tell(`${done} of ${items.length} done`);
    try {
      const answers = await gate.data.decide(items, said, why.reason, why.by, on);
      for (const { proposal, refused } of answers) {
        if (refused) refusals.set(proposal, refused);
        else refusals.delete(proposal);
      }
      const failed = answers.filter(({ refused }) => refused).length;
      const done = gate.count(answers.length - failed, 'item');
      const rest = failed ? `; ${gate.count(failed, 'item')} refused, each says why` : '';
      if (isLong) gate.tell(`${done} ${WORDS[said]}${rest}`);
      else if (!failed) gate.tell(`${items[0].title}: ${WORDS[said]}`);
    } catch (error) {
      items.forEach(({ proposal }) => refusals.set(proposal, `nothing was decided: ${error.message}`));
      gate.tell(`nothing was decided: ${error.message}`);
    }
    isBusy = false;
    gate.byId('decision').setAttribute('aria-busy', 'false');
    show();
  };

  const current = () => {
    const item = gate.list.current();
    return item && item.proposal ? item : null;
  };

  /** Decides on the item that is looked at. */
  gate.decide = (said) => {
    const item = current();
    if (!item) {
      gate.tell('there is nothing to decide on this item');
      return;
    }
    const word = gate.data.stateOf(item);
    if (word === 'stale') {
      gate.tell('it can only be looked at: the files have changed since the run');
      return;
    }
    if (said === 'undone' && word === 'open') {
      gate.tell('there is nothing to take back');
      return;
    }
    if (said === word) {
      gate.tell(`it is ${WORDS[said]} already`);
      return;
    }
    carryOut([item], said);
  };

  /** Says how many it would be, and asks what to do with them. */
  const confirm = async (title, items) => {
    const open = items.filter((item) => gate.data.stateOf(item) === 'open');
    const left = items.length - open.length;
    const n = gate.count(open.length, 'item');
    gate.byId('confirm-title').textContent = title;
    const besides = left ? ` ${gate.count(left, 'other')} decided already, stale or without a proposal: left as they are.` : '';
    gate.byId('confirm-text').textContent = `This decides on ${n} at once.${besides}`;
    const MOST = 12;
    const names = open.slice(0, MOST).map(({ title: name }) => gate.el('li', {}, name));
    if (open.length > MOST) names.push(gate.el('li', {}, `and ${open.length - MOST} more`));
    gate.byId('confirm-items').replaceChildren(...names);
    gate.byId('confirm-accept').textContent = `${VERBS.approved} ${n}`;
    gate.byId('confirm-reject').textContent = `${VERBS.rejected} ${n}`;
    for (const id of ['confirm-accept', 'confirm-reject']) gate.byId(id).disabled = !open.length;
    const said = await ask('confirm-dialog');
    if (said === 'approved' || said === 'rejected') await carryOut(open, said);
  };

  gate.decideGroup = (group) => {
    const members = gate.list.all(group);
    if (members.length) confirm('The whole group', members);
    else gate.tell('this item is in no group');
  };
  gate.decideShown = () => confirm('All that the filters show', gate.list.shown);

  const sentence = (item, word) => {
    const state = gate.data.states[item.proposal];
    if (word === 'none') return '';
    if (word === 'stale') {
      return `${state.path} has changed since the run. It can only be looked at; run the gates again.`;
    }
    if (word === 'open') return 'Nobody has decided on it.';
    return `by ${state.by}, ${state.at}: “${state.reason}”`;
  };

  /** Shows what is known of the item that is looked at, and what can be done. */
  const show = () => {
    const item = gate.list.current();
    gate.byId('decision').hidden = !item;
    if (!item) return;
    const word = gate.data.stateOf(item);
    gate.byId('state').replaceChildren(gate.stateMark(word), ' ', sentence(item, word));
    const enable = (id, can) => (gate.byId(id).disabled = !can);
    enable('accept', word === 'open' || word === 'rejected');
    enable('reject', word === 'open');
    enable('undo', word === 'approved' || word === 'rejected');
    const group = item.group === undefined ? [] : gate.list.all(item.group);
    gate.byId('group').hidden = !group.length;
    const open = group.filter((one) => gate.data.stateOf(one) === 'open').length;
    gate.byId('group-size').textContent = `Group of ${group.length}, ${open} open…`;
    const refused = refusals.get(item.proposal);
    gate.byId('refused').hidden = !refused;
    gate.byId('refused').textContent = refused ? `Not carried out: ${refused}.` : '';
    showStaged();
  };

  // A page from disk keeps decisions until they are downloaded.
  const showStaged = () => {
    const amount = Object.keys(gate.data.staged || {}).length;
    gate.byId('staged').hidden = !gate.data.isStatic;
    gate.byId('staged-count').textContent = `${gate.count(amount, 'decision')} in this browser`;
    gate.byId('download').disabled = !amount;
  };
  const download = () => {
    const text = `${JSON.stringify(gate.data.decisionsFile(), null, 1)}\n`;
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    gate.el('a', { href: url, download: 'decisions.json' }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    gate.tell('decisions.json downloaded; carry it out with: gate apply decisions.json');
  };

  gate.on('items', () => {
    const click = (id, work) => gate.byId(id).addEventListener('click', work);
    click('accept', () => gate.decide('approved'));
    click('reject', () => gate.decide('rejected'));
    click('undo', () => gate.decide('undone'));
    click('group', () => gate.decideGroup(gate.list.current().group));
    click('edit-why', askWhy);
    click('download', download);
    for (const button of document.querySelectorAll('dialog [data-close]')) {
      button.addEventListener('click', () => button.closest('dialog').close(button.value));
    }
    gate.byId('why-form').addEventListener('submit', (event) => {
      event.preventDefault();
      gate.byId('why-dialog').close('ok');
    });
    showWhy();
    show();
  });
  gate.on('shown', show);
  gate.on('states', show);
})();
