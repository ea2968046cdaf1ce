// All pages in one file, which links to nothing: its pages are templates, of which one is shown at a
// time as the fragment of the address says (#page=gate-1.html), and its files are blocks of base64.
// The page of the review is always there, since its scripts are bound to it; it starts when somebody
// first comes to it.
'use strict';
(() => {
  const single = (gate.single = {});
  const REVIEW = 'review.html';
  const HOME = 'index.html';
  let start = null;
  let here = null;

  const block = (digest) => document.getElementById(`file-${digest}`);
  const bytes = (digest) => Uint8Array.from(atob(block(digest).textContent), (c) => c.charCodeAt(0));

  /** A file as an address; that of a picture which is not there shows as broken. */
  single.url = (digest) => {
    const found = block(digest);
    return found ? `data:${found.dataset.type};base64,${found.textContent}` : 'data:,';
  };
  single.json = async (digest) => {
    if (!block(digest)) throw new Error('the comparison is not part of this report');
    return JSON.parse(new TextDecoder().decode(bytes(digest)));
  };

  /** The content of a page. */
  single.content = (name) => template(name).content;
  /** Gives files that are shown their content once somebody comes near. */
  single.watch = (element) => {
    element.querySelectorAll('img[data-file], iframe[data-file]').forEach((one) => nearby.observe(one));
  };

  gate.link = (page) => `#page=${page.replace('#', '&')}`;
  gate.isReviewShown = () => here === REVIEW;

  const named = () => {
    const pair = location.hash.slice(1).split('&').find((one) => one.startsWith('page='));
    return pair ? pair.slice(5) : HOME;
  };
  const template = (name) =>
    [...document.querySelectorAll('template')].find(({ dataset }) => dataset.page === name);

  // A picture is decoded when somebody comes near it.
  const nearby = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        nearby.unobserve(target);
        if (target.matches('img')) target.src = single.url(target.dataset.file);
        else target.srcdoc = new TextDecoder().decode(bytes(target.dataset.file));
      }
    },
    { rootMargin: '400px' },
  );

  const put = (name) => {
    const page = gate.byId('page');
    const review = gate.byId('review');
    const from = template(name) || template(HOME);
    const isReview = name === REVIEW;
    nearby.disconnect();
    page.replaceChildren(...(isReview ? [] : [from.content.cloneNode(true)]));
    single.watch(page);
    review.hidden = !isReview;
    // One of them is the content at a time.
    review.querySelector('main').id = isReview ? 'main' : 'other';
    document.title = `${(isReview ? review : from).dataset.title} · ${gate.settings.run}`;
    for (const link of document.querySelectorAll('.top nav a')) {
      const isHere = link.getAttribute('href') === gate.link(name);
      if (isHere) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  };

  const show = () => {
    const name = named();
    if (name === here) return;
    const isFirst = here === null;
    here = name;
    put(name);
    if (!isFirst) {
      scrollTo(0, 0);
      arrive();
    }
    if (name === REVIEW && start) {
      start();
      start = null;
    }
  };

  /** The beginning of the content gets the focus, as with a page that was loaded. */
  const arrive = () => {
    const main = gate.byId('main');
    main.tabIndex = -1;
    main.focus({ preventScroll: true });
  };

  const download = (link) => {
    const { file } = link.dataset;
    const url = URL.createObjectURL(new Blob([bytes(file)], { type: block(file).dataset.type }));
    gate.el('a', { href: url, download: link.download }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-file], a.skip');
    if (!link) return;
    event.preventDefault();
    if (link.matches('.skip')) arrive();
    else download(link);
  });
  // Before the parts of the review hear of it.
  addEventListener('popstate', show);

  /** Shows the page of the address; `begin` is called when the review is first shown. */
  single.open = (begin) => {
    start = begin;
    show();
  };
})();
