/** Nothing from outside becomes markup. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html } from '../../src/report/html.ts';

test('text is escaped, what a template made is not, and lists are joined', () => {
  const inner = html`<b>${'<&>"\''}</b>`;
  expect(inner.html).toBe('<b>&lt;&amp;&gt;&quot;&#39;</b>');
  expect(html`<p>${inner}${3}${[inner, html``]}</p>`.html).toBe(
    `<p>${inner.html}3${inner.html}</p>`,
  );
});

test('what is no character of a document is replaced', () => {
  expect(html`${'a\u0000\u001b[31m\u009b\ufffeb\tc\n'}`.html).toBe('a��[31m��b\tc\n');
});

test('no text ends an attribute or begins a tag', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(html`${text}`.html).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
    }),
  );
});
