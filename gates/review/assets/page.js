// What all scripts of the page share: the one global, signals between its parts, and elements.
'use strict';
(() => {
  const gate = (window.gate = window.gate || {});
  const settings = document.getElementById('settings');
  gate.settings = settings ? JSON.parse(settings.textContent) : { run: '', csrf: null, by: null };

  const listeners = new Map();
  /** Calls `work` whenever somebody says `name`. */
  gate.on = (name, work) => {
    listeners.set(name, [...(listeners.get(name) || []), work]);
  };
  gate.say = (name, value) => {
    for (const work of listeners.get(name) || []) work(value);
  };

  // What a file that holds all pages does otherwise; see single.js.
  gate.link = (page) => page;
  gate.isReviewShown = () => true;

  gate.byId = (id) => document.getElementById(id);

  /** An element. Texts are texts: nothing that a run says is ever read as markup. */
  gate.el = (tag, properties = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === 'on') {
        for (const [event, work] of Object.entries(value)) element.addEventListener(event, work);
      } else if (name === 'class') {
        element.className = value;
      } else {
        element.setAttribute(name, value === true ? '' : value);
      }
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  /** A sentence into an element, its commands (between backticks) in the letters of a terminal. */
  gate.prose = (element, text) => {
    const parts = text.split(/`([^`]*)`/);
    element.replaceChildren(...parts.map((part, at) => (at % 2 ? gate.el('code', {}, part) : part)));
  };

  gate.count = (n, what) => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

  /** Tells everybody, people who listen to the page included. */
  gate.tell = (text) => {
    gate.byId('said').textContent = text;
  };

  const MARKS = { pass: '✓', warn: '!', inconclusive: '?', fail: '✗' };
  /** A verdict as a mark and a word. */
  gate.verdict = (verdict) =>
    gate.el(
      'span',
      { class: `verdict ${verdict}` },
      gate.el('span', { 'aria-hidden': 'true' }, `${MARKS[verdict] || '-'} `),
      verdict,
    );

  const STATES = {
    open: ['○', 'open'],
    approved: ['●', 'accepted'],
    rejected: ['⊘', 'rejected'],
    stale: ['⧖', 'stale'],
    none: ['', 'nothing to decide'],
  };
  /** What was decided, as a mark and a word. */
  gate.stateMark = (word) =>
    gate.el(
      'span',
      { class: `state ${word}` },
      gate.el('span', { 'aria-hidden': 'true' }, `${STATES[word][0]} `),
      STATES[word][1],
    );
})();
