// The pictures of a view: panes, each a window on a world of layers that the camera moves.
'use strict';
(() => {
  const BLINK_MS = 700;
  /** For those who want less motion. */
  const BLINK_SLOW_MS = 2500;
  const SIDES = { baseline: 'before', candidate: 'after' };

  const lessMotion = matchMedia('(prefers-reduced-motion: reduce)');
  const panes = (gate.panes = {});
  let blinking = 0;
  let share = 0.5;
  let opacity = 0.5;

  /** A picture, cut where something stands in between. */
  const layer = (name, label, scene) => {
    const side = name === 'baseline' ? 'before' : 'after';
    const element = gate.el('div', { class: `layer ${name}` });
    const { url, size } = scene.pictures[name];
    const slices =
      name === 'diff' && !scene.isAligned
        ? [{ out: 0, rows: size.height, from: 0 }]
        : scene.map.slices(side);
    slices.forEach(({ out, rows, from }, at) => {
      const image = gate.el('img', { src: url, alt: at ? '' : label, draggable: 'false' });
      image.style.width = `${size.width}px`;
      image.style.height = `${size.height}px`;
      image.style.top = `${-from}px`;
      const slice = gate.el('div', { class: 'slice' }, image);
      Object.assign(slice.style, { top: `${out}px`, height: `${rows}px`, width: `${size.width}px` });
      element.append(slice);
    });
    if (scene.isAligned) {
      for (const { out, rows } of scene.map.lacks(side)) {
        const gap = gate.el('div', { class: 'gap' });
        Object.assign(gap.style, { top: `${out}px`, height: `${rows}px`, width: `${scene.map.width}px` });
        element.append(gap);
      }
    }
    return element;
  };

  /** A pane with these layers; `side` says whose rows its boxes follow. */
  const pane = (label, side, layers, scene) => {
    const world = gate.el('div', { class: 'world' }, ...layers);
    world.style.width = `${scene.map.width}px`;
    world.style.height = `${scene.map.height}px`;
    if (scene.diff) {
      if (gate.route.masks) world.append(gate.changes.masks(scene.diff.masks || [], side, scene));
      if (gate.route.boxes) world.append(gate.changes.boxes(side, scene));
    }
    const view = gate.el('div', { class: 'pane-view', tabindex: '0', role: 'group', 'aria-label': label }, world);
    return gate.el('figure', { class: 'pane' }, gate.el('figcaption', {}, label), view);
  };

  const slider = (label, value, oninput) =>
    gate.el('input', {
      type: 'range', class: 'slider', min: 0, max: 100, value: Math.round(value * 100), 'aria-label': label,
      on: { input: (event) => oninput(event.target.value / 100) },
    });

  const swipe = (scene, names) => {
    const [below, above] = [layer('baseline', names.baseline, scene), layer('candidate', names.candidate, scene)];
    const made = pane('Swipe: baseline left, candidate right', 'after', [below, above], scene);
    const line = gate.el('div', { class: 'swipe-line', 'aria-hidden': 'true' });
    made.querySelector('.pane-view').append(line);
    panes.swiped = () => {
      const wide = made.querySelector('.pane-view').clientWidth;
      const at = (wide * share - gate.camera.x) / gate.camera.zoom;
      above.style.clipPath = `inset(0 0 0 ${at}px)`;
      below.style.clipPath = `inset(0 ${scene.map.width - at}px 0 0)`;
      line.style.left = `${wide * share}px`;
    };
    const control = slider('Where the baseline ends and the candidate begins', share, (value) => {
      share = value;
      panes.swiped();
    });
    return [made, control];
  };

  const onion = (scene, names) => {
    const [below, above] = [layer('baseline', names.baseline, scene), layer('candidate', names.candidate, scene)];
    const show = (value) => {
      opacity = value;
      above.style.opacity = String(value);
    };
    show(opacity);
    const made = pane('Onion skin: the candidate over the baseline', 'after', [below, above], scene);
    return [made, slider('How much of the candidate is seen', opacity, show)];
  };

  const blink = (scene, names) => {
    const [below, above] = [layer('baseline', names.baseline, scene), layer('candidate', names.candidate, scene)];
    const made = pane('Blink', 'after', [below, above], scene);
    const caption = made.querySelector('figcaption');
    const turn = () => {
      above.hidden = !above.hidden;
      caption.textContent = `Blink: ${above.hidden ? 'baseline' : 'candidate'}`;
    };
    const button = gate.el('button', { type: 'button', class: 'small pause', 'aria-pressed': 'false' }, 'Pause');
    const start = () => {
      blinking = setInterval(turn, lessMotion.matches ? BLINK_SLOW_MS : BLINK_MS);
    };
    button.addEventListener('click', () => {
      const pauses = button.getAttribute('aria-pressed') === 'false';
      button.setAttribute('aria-pressed', String(pauses));
      if (pauses) clearInterval(blinking);
      else start();
    });
    turn();
    start();
    return [made, button];
  };

  const single = (name, scene, names) => {
    const side = SIDES[name] || 'after';
    return [pane(names[name], side, [layer(name, names[name], scene)], scene), null];
  };

  const build = (view, scene) => {
    const names = { diff: 'Differences', baseline: 'Baseline', candidate: 'Candidate' };
    if (view === 'side') {
      const both = ['baseline', 'candidate'].map((name) => single(name, scene, names)[0]);
      return [both, null];
    }
    const making = { swipe, onion, blink }[view];
    const [made, control] = making ? making(scene, names) : single(view, scene, names);
    return [[made], control];
  };

  const put = (elements, control, scene, isNew) => {
    gate.byId('panes').replaceChildren(...elements);
    gate.byId('view-control').replaceChildren(...(control ? [control] : []));
    const views = elements.map((element) => element.querySelector('.pane-view'));
    gate.camera.follow(views, scene.map, isNew);
    gate.changes.mark();
  };

  const rest = () => {
    clearInterval(blinking);
    panes.swiped = null;
  };

  /** Shows a comparison in the view of the route. */
  panes.show = (scene, isNew) => {
    rest();
    const [elements, control] = build(gate.route.view, scene);
    put(elements, control, scene, isNew);
  };

  /** Shows pictures that are compared with nothing, side by side. */
  panes.showPictures = (pictures) => {
    rest();
    const scenes = pictures.map(({ label, url, size }) => {
      const map = { ...gate.align(null, size, size) };
      return { label, map, isAligned: false, pictures: { candidate: { url, size } } };
    });
    const elements = scenes.map((scene) =>
      pane(scene.label, 'after', [layer('candidate', scene.label, scene)], scene),
    );
    const width = Math.max(...scenes.map(({ map }) => map.width));
    const height = Math.max(...scenes.map(({ map }) => map.height));
    gate.changes.list([]);
    put(elements, null, { map: { width, height } }, true);
  };

  /** Puts something there that is no picture. */
  const putOther = (element) => {
    rest();
    gate.byId('view-control').replaceChildren();
    gate.byId('panes').replaceChildren(element);
    gate.camera.follow([], { width: 1, height: 1 }, true);
    gate.changes.list([]);
  };

  /** Shows a sentence where pictures would be. */
  panes.showText = (text, isAlert = false) =>
    putOther(gate.el('p', { class: 'no-panes', role: isAlert ? 'alert' : null }, text));

  /** Shows files that are read: what the page of a gate shows of a check, but for what stands above. */
  panes.showFiles = (section) => {
    const files = ['figure.evidence', 'table.metrics'].flatMap((one) => [...section.querySelectorAll(one)]);
    // It scrolls, so whoever has no mouse has to be able to come to it.
    const named = { class: 'files', tabindex: '0', role: 'region', 'aria-label': 'What was kept' };
    const part = gate.el('div', named, ...files);
    putOther(part);
    if (gate.single) gate.single.watch(part);
  };

  gate.on('camera', () => panes.swiped && panes.swiped());
})();
