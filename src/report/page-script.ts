/**
 * Lets the reader filter and sort the tables. It makes its controls itself, so that without it there
 * are none that do nothing. Numbers are sorted by the attribute data-v.
 */
export const pageScript = `
'use strict';
for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0];
  const name = table.getAttribute('aria-label');
  if (!body || !name) continue;
  const field = document.createElement('input');
  const count = document.createElement('span');
  field.type = 'search';
  field.className = 'filter';
  field.placeholder = 'Filter';
  field.setAttribute('aria-label', 'Filter ' + name);
  count.className = 'dim';
  count.setAttribute('role', 'status');
  table.parentElement.before(field, count);
  field.addEventListener('input', () => {
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden) shown += 1;
    }
    count.textContent = wanted ? shown + ' of ' + body.rows.length : '';
  });
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...header.childNodes);
    header.append(button);
    const isNumber = header.classList.contains('number');
    const key = (row) => {
      const cell = row.cells[column];
      return isNumber ? Number(cell.dataset.v) : cell.textContent;
    };
    const compare = (a, b) => isNumber ? a.key - b.key : a.key.localeCompare(b.key, 'en', { numeric: true });
    button.addEventListener('click', () => {
      const was = header.getAttribute('aria-sort');
      const isUp = was ? was === 'descending' : !isNumber;
      for (const other of headers) other.removeAttribute('aria-sort');
      header.setAttribute('aria-sort', isUp ? 'ascending' : 'descending');
      const rows = [...body.rows].map((row) => ({ row, key: key(row) }));
      rows.sort((a, b) => isUp ? compare(a, b) : compare(b, a));
      body.append(...rows.map(({ row }) => row));
    });
  });
}
`;
