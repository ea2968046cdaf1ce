// The item that is looked at: what was found, its pictures, and how they are shown.
'use strict';
(() => {
  const viewer = (gate.viewer = { scene: null });
  let shown = null;

  const sizeOf = (url) =>
    new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve({ width: image.naturalWidth, height: image.naturalHeight });
      image.onerror = () => reject(new Error('a picture was removed or altered'));
      image.src = url;
    });
  const picture = async (digest) => {
    const url = gate.data.picture(digest);
    return { url, size: await sizeOf(url) };
  };

  const head = (item) => {
    gate.byId('title').replaceChildren(gate.verdict(item.verdict), ' ', item.title);
    gate.prose(gate.byId('message'), item.message);
    gate.prose(gate.byId('advice'), item.advice || '');
    const facets = Object.entries(item.facets || {});
    const facts = facets.map(([name, value]) => gate.el('li', {}, `${name} ${value}`));
    const files = item.files ? ` (${gate.count(item.files, 'file')} more)` : '';
    const link = gate.el('a', { href: gate.link(item.page) }, `gate ${item.gate}${files}`);
    gate.byId('facts').replaceChildren(gate.el('li', {}, link), ...facts);
    document.title = `${item.title} · ${gate.settings.run}`;
  };

  /** Others that share a change with it and have to be decided by themselves. */
  const apart = (item) => {
    const others = item.apart || [];
    gate.byId('apart-box').hidden = !others.length;
    gate.byId('apart').replaceChildren(
      ...others.map(({ item: at, reason }) => {
        const other = gate.data.items[at];
        const open = () => gate.go({ item: other.id, region: null }, { push: true });
        return gate.el(
          'li',
          {},
          gate.el('button', { type: 'button', class: 'link', on: { click: open } }, other.title),
          gate.el('span', { class: 'why' }, reason),
        );
      }),
    );
  };

  const load = async (item) => {
    const diff = await gate.data.diff(item.diff);
    const names = [['diff', diff.picture], ['baseline', diff.baseline], ['candidate', diff.candidate]];
    const loaded = await Promise.all(names.map(([, digest]) => picture(digest)));
    const pictures = Object.fromEntries(names.map(([name], at) => [name, loaded[at]]));
    const [before, after] = [pictures.baseline.size, pictures.candidate.size];
    const truth = gate.align(diff.aligned || null, before, after);
    return { diff, pictures, truth, plain: gate.align(null, before, after) };
  };

  const hasShifts = ({ aligned }) =>
    Boolean(aligned) && ['inserted', 'deleted', 'moved'].some((name) => (aligned[name] || []).length);

  /** Chooses whether gaps are shown, and numbers the changes as they stand. */
  const arrange = (scene) => {
    const can = hasShifts(scene.diff);
    scene.isAligned = can && gate.route.aligned !== false;
    scene.map = scene.isAligned ? scene.truth : scene.plain;
    // The order is that of the aligned rows either way, so that a link means the same change.
    gate.changes.list(gate.changes.of(scene.diff, scene.truth));
    gate.byId('aligned').disabled = !can;
    gate.byId('masks').disabled = !(scene.diff.masks || []).length;
  };

  const tools = () => {
    const { route } = gate;
    const { scene } = viewer;
    for (const button of document.querySelectorAll('[data-view]')) {
      button.disabled = !scene;
      button.setAttribute('aria-pressed', String(Boolean(scene) && button.dataset.view === route.view));
    }
    const pressed = (id, on) => gate.byId(id).setAttribute('aria-pressed', String(on));
    pressed('aligned', Boolean(scene && scene.isAligned));
    pressed('boxes', Boolean(scene) && route.boxes);
    pressed('masks', Boolean(scene) && route.masks && !gate.byId('masks').disabled);
    if (!scene) gate.byId('aligned').disabled = gate.byId('masks').disabled = true;
    gate.byId('boxes').disabled = !scene;
  };

  const lookAtChange = () => {
    const change = gate.changes.all[gate.route.region - 1];
    gate.changes.mark();
    if (!change) return;
    const side = gate.route.view === 'baseline' ? 'before' : 'after';
    gate.camera.lookAt(gate.changes.place(change, side, viewer.scene));
  };

  const draw = (isNew) => {
    arrange(viewer.scene);
    gate.panes.show(viewer.scene, isNew);
    tools();
    if (isNew) lookAtChange();
  };

  /** Fetches the pictures of the next item before somebody asks for them. */
  const fetchAhead = (item) => {
    const next = gate.list.order[(item.place || 0) + 1];
    if (next && next.diff && gate.list.order[item.place] === item) load(next).catch(() => {});
  };

  const show = async (item) => {
    shown = item;
    viewer.scene = null;
    gate.byId('viewer').setAttribute('aria-busy', 'true');
    head(item);
    apart(item);
    gate.say('shown', item);
    try {
      if (item.diff) {
        const scene = await load(item);
        if (shown !== item) return;
        viewer.scene = scene;
        draw(true);
      } else if (item.pictures && item.pictures.length) {
        const made = item.pictures.map(async ([label, digest]) => ({ label, ...(await picture(digest)) }));
        const pictures = await Promise.all(made);
        if (shown !== item) return;
        gate.panes.showPictures(pictures);
      } else if (item.files) {
        const section = await gate.data.section(item.page);
        if (shown !== item) return;
        gate.panes.showFiles(section);
      } else {
        gate.panes.showText('Nothing was kept that could be looked at.');
      }
    } catch (error) {
      if (shown !== item) return;
      gate.panes.showText(`This cannot be shown: ${error.message}`, true);
    }
    tools();
    gate.byId('viewer').setAttribute('aria-busy', 'false');
    gate.say('drawn', item);
    setTimeout(() => shown === item && fetchAhead(item), 200);
  };

  viewer.setView = (view) => viewer.scene && gate.go({ view }, { push: true });
  viewer.toggle = (name) => {
    const { scene } = viewer;
    if (!scene || gate.byId(name).disabled) return;
    gate.go({ [name]: name === 'aligned' ? !scene.isAligned : !gate.route[name] });
  };

  const onRoute = (before) => {
    const item = gate.list.current();
    if (!item) return;
    if (item !== shown) {
      show(item);
      return;
    }
    if (!viewer.scene) return;
    const { route } = gate;
    const isRedrawn = ['view', 'aligned', 'boxes', 'masks'].some((name) => before[name] !== route[name]);
    if (isRedrawn) draw(false);
    if (before.region !== route.region) lookAtChange();
  };

  gate.on('items', () => {
    for (const button of document.querySelectorAll('[data-view]')) {
      button.addEventListener('click', () => viewer.setView(button.dataset.view));
    }
    for (const name of ['aligned', 'boxes', 'masks']) {
      gate.byId(name).addEventListener('click', () => viewer.toggle(name));
    }
    const item = gate.list.current();
    if (item) {
      if (item !== shown) show(item);
    } else {
      const text = gate.data.items.length ? 'Choose an item from the list.' : 'The run has checked nothing.';
      gate.panes.showText(text);
      tools();
      gate.byId('viewer').setAttribute('aria-busy', 'false');
    }
    gate.byId('panes').addEventListener('click', ({ target }) => {
      const label = target.closest('.box-label');
      if (label) gate.changes.go(Number(label.parentElement.dataset.at));
    });
  });
  gate.on('route', onRoute);
})();
