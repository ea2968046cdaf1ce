// Zoom and pan, one for all panes, so that they stay in step.
'use strict';
(() => {
  const LEAST = 0.02;
  const MOST = 16;
  const STEP = 1.25;
  /** From here on a pixel is shown as a square. */
  const SQUARES = 2;

  const camera = (gate.camera = { x: 0, y: 0, zoom: 1, fitted: 'width' });
  let panes = [];
  let size = { width: 1, height: 1 };

  const room = () => {
    const pane = panes[0];
    return pane ? { width: pane.clientWidth, height: pane.clientHeight } : { width: 1, height: 1 };
  };
  const within = (value, least, most) => Math.min(Math.max(value, least), most);

  /** Shows what it says: the picture does not leave the pane. */
  const apply = () => {
    const { width, height } = room();
    const [wide, high] = [size.width * camera.zoom, size.height * camera.zoom];
    camera.x = wide <= width ? (width - wide) / 2 : within(camera.x, width - wide, 0);
    camera.y = high <= height ? 0 : within(camera.y, height - high, 0);
    for (const pane of panes) {
      const world = pane.firstElementChild;
      world.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.zoom})`;
      world.style.setProperty('--unzoom', String(1 / camera.zoom));
      world.classList.toggle('squares', camera.zoom >= SQUARES);
    }
    gate.byId('zoom').textContent = `${Math.round(camera.zoom * 100)} %`;
    gate.say('camera');
  };

  /** Zooms by a factor around a point of the pane; by default its middle. */
  camera.zoomBy = (factor, at) => {
    const { width, height } = room();
    const [px, py] = at || [width / 2, height / 2];
    const zoom = within(camera.zoom * factor, LEAST, MOST);
    camera.x = px - ((px - camera.x) * zoom) / camera.zoom;
    camera.y = py - ((py - camera.y) * zoom) / camera.zoom;
    camera.zoom = zoom;
    camera.fitted = null;
    apply();
  };
  camera.zoomIn = () => camera.zoomBy(STEP);
  camera.zoomOut = () => camera.zoomBy(1 / STEP);
  camera.panBy = (dx, dy) => {
    camera.x += dx;
    camera.y += dy;
    apply();
  };

  const zoomOf = (how) => {
    const { width, height } = room();
    const wide = Math.min(1, width / size.width);
    return within(how === 'all' ? Math.min(wide, height / size.height) : wide, LEAST, MOST);
  };
  /** Fits the width of the picture, or all of it. */
  camera.fit = (how) => {
    camera.zoom = zoomOf(how);
    camera.fitted = how;
    if (how === 'all') [camera.x, camera.y] = [0, 0];
    apply();
  };
  /** Fits the width, and then all. */
  camera.fitNext = () => {
    camera.fit(camera.fitted === 'width' && zoomOf('all') < zoomOf('width') ? 'all' : 'width');
  };

  /** Brings a rectangle of the picture into the middle, large enough to be seen. */
  camera.lookAt = ({ x, y, width, height }) => {
    const pane = room();
    const fits = Math.min(pane.width / (width * 1.2), pane.height / (height * 1.2));
    const isSmall = Math.max(width, height) * camera.zoom < 40;
    if (camera.zoom > fits) camera.zoom = within(fits, LEAST, MOST);
    else if (isSmall) camera.zoom = within(Math.min(fits, 1), camera.zoom, MOST);
    if (camera.zoom !== zoomOf(camera.fitted)) camera.fitted = null;
    camera.x = pane.width / 2 - (x + width / 2) * camera.zoom;
    camera.y = pane.height / 2 - (y + height / 2) * camera.zoom;
    apply();
  };

  /** The panes that follow from now on, each with its world as the first child. */
  camera.follow = (elements, newSize, isNew) => {
    panes = elements;
    size = newSize;
    panes.forEach(listen);
    if (isNew) [camera.x, camera.y, camera.fitted] = [0, 0, 'width'];
    if (camera.fitted) camera.zoom = zoomOf(camera.fitted);
    apply();
  };

  const listen = (pane) => {
    pane.addEventListener('wheel', (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      if (event.ctrlKey || event.metaKey) {
        const { left, top } = pane.getBoundingClientRect();
        const factor = Math.exp(-event.deltaY * lines * 0.004);
        camera.zoomBy(factor, [event.clientX - left, event.clientY - top]);
      } else if (event.shiftKey && !event.deltaX) {
        camera.panBy(-event.deltaY * lines, 0);
      } else {
        camera.panBy(-event.deltaX * lines, -event.deltaY * lines);
      }
    }, { passive: false });
    pane.addEventListener('pointerdown', (event) => {
      if (event.button !== 0 || event.target.closest('input, button')) return;
      pane.setPointerCapture(event.pointerId);
      pane.classList.add('dragged');
      const move = ({ movementX, movementY }) => camera.panBy(movementX, movementY);
      const end = () => {
        pane.classList.remove('dragged');
        pane.removeEventListener('pointermove', move);
      };
      pane.addEventListener('pointermove', move);
      pane.addEventListener('lostpointercapture', end, { once: true });
    });
  };

  gate.on('items', () => {
    new ResizeObserver(() => {
      if (!panes.length) return;
      if (camera.fitted) camera.zoom = zoomOf(camera.fitted);
      apply();
    }).observe(gate.byId('panes'));
    gate.byId('fit').addEventListener('click', camera.fitNext);
    gate.byId('zoom-in').addEventListener('click', camera.zoomIn);
    gate.byId('zoom-out').addEventListener('click', camera.zoomOut);
  });
})();
