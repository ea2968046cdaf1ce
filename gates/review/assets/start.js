// Starts the page once all of its parts are there.
'use strict';
(() => {
  gate.on('lost', (lost) => {
    gate.byId('lost').hidden = !lost;
  });
  const start = () =>
    gate.data.load().then(
      () => {
        document.documentElement.dataset.ready = 'true';
      },
      (error) => gate.panes.showText(`The run cannot be shown: ${error.message}`, true),
    );
  if (gate.single) gate.single.open(start);
  else start();
})();
