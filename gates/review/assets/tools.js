// Forms that ask the tools of kinds. What was filled in goes to the server as JSON; it says what is
// wrong with which field, or answers with a page.
'use strict';
(() => {
  let ids = 0;
  const idOf = (element) => {
    if (!element.id) element.id = `ask-${(ids += 1)}`;
    return element.id;
  };
  const input = (field) => field.querySelector('input, select, textarea');

  /** A number if it is one; what is not is left for the server to refuse. */
  const number = (text) => {
    const read = Number(text);
    return text.trim() !== '' && Number.isFinite(read) ? read : text;
  };

  const READ = {
    text: (element) => (element.value === '' && !element.defaultValue ? undefined : element.value),
    number: ({ value }) => (value.trim() === '' ? undefined : number(value)),
    choice: (element) => {
      if (element.type === 'checkbox') return element.checked;
      return element.value === '' ? undefined : JSON.parse(element.value);
    },
    lines: (element, each) => {
      const lines = element.value.split('\n').map((line) => line.trim()).filter(Boolean);
      if (!lines.length && !element.defaultValue) return undefined;
      return each === 'number' ? lines.map(number) : lines;
    },
    json: ({ value }) => (value.trim() === '' ? undefined : JSON.parse(value)),
  };

  /** What was filled in, and what of it cannot be read. */
  const read = (form) => {
    const [values, problems] = [{}, []];
    for (const field of form.querySelectorAll('.field')) {
      const { name, reads, each } = field.dataset;
      try {
        const value = READ[reads](input(field), each);
        if (value !== undefined) values[name] = value;
      } catch (error) {
        problems.push({ field: name, message: 'this is no JSON', hint: error.message });
      }
    }
    return { values, problems };
  };

  const say = (element, text) => {
    gate.prose(element, text);
    element.hidden = !text;
  };

  const clear = (form) => {
    for (const wrong of form.querySelectorAll('.wrong')) say(wrong, '');
    for (const field of form.querySelectorAll('.field')) input(field).removeAttribute('aria-invalid');
  };

  /** Says each problem beside the field that it names, and goes to the first. */
  const showProblems = (form, problems) => {
    const others = [];
    let first = null;
    for (const { field: name, message, hint } of problems) {
      const text = hint ? `${message}; ${hint}` : message;
      const field = [...form.querySelectorAll('.field')].find(({ dataset }) => dataset.name === name);
      if (!field) {
        others.push(name ? `${name}: ${text}` : text);
        continue;
      }
      say(field.querySelector('.wrong'), text);
      input(field).setAttribute('aria-invalid', 'true');
      first = first || input(field);
    }
    say(form.querySelector('[data-of=whole]'), others.join(' '));
    if (first) first.focus();
  };

  const showAnswer = (form, html) => {
    const answer = form.nextElementSibling;
    // The server made this markup, and every text in it is escaped.
    const made = new DOMParser().parseFromString(html, 'text/html');
    answer.replaceChildren(...made.body.childNodes);
    answer.hidden = false;
    describe(answer);
    answer.focus();
  };

  const post = async (tool, values) => {
    const answer = await fetch(`api/tools/${encodeURIComponent(tool)}`, {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', 'X-Gate-Csrf': gate.settings.csrf },
      body: JSON.stringify(values),
    });
    if (answer.ok || answer.status === 422) return answer.json();
    throw new Error((await answer.text()).trim() || `status ${answer.status}`);
  };

  const submit = async (form) => {
    const button = form.querySelector('[type=submit]');
    if (button.disabled) return;
    clear(form);
    form.nextElementSibling.hidden = true;
    const { values, problems } = read(form);
    if (problems.length) {
      showProblems(form, problems);
      return;
    }
    button.disabled = true;
    form.setAttribute('aria-busy', 'true');
    try {
      const said = await post(form.dataset.tool, values);
      button.disabled = false;
      if (said.problems) showProblems(form, said.problems);
      else showAnswer(form, said.html);
    } catch (error) {
      button.disabled = false;
      showProblems(form, [{ message: `there is no answer: ${error.message}` }]);
    }
    form.removeAttribute('aria-busy');
  };

  /** Ties what is said of a field to it, for those who do not see it beside. */
  const describe = (root) => {
    for (const field of root.querySelectorAll('.ask .field')) {
      const said = [...field.querySelectorAll('.about, .wrong')].map(idOf);
      input(field).setAttribute('aria-describedby', said.join(' '));
    }
  };

  document.addEventListener('submit', (event) => {
    const form = event.target.closest('form.ask');
    if (!form) return;
    event.preventDefault();
    submit(form);
  });
  describe(document);
  document.documentElement.dataset.asks = 'true';
})();
