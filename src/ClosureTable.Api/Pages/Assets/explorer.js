// Shows a thread as a tree, as rows of comments_tree, as a matrix, and with the statement that changed it last.
// Reads from /explorer/threads and writes through the public API.

const at = selector => document.querySelector(selector);
const element = (tag, props, ...children) => {
  const made = Object.assign(document.createElement(tag), props);
  made.append(...children);
  return made;
};
const drawn = (tag, attributes, ...children) => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

let people = [];       // users for writing; empty unless the service runs in Development
let thread = null;     // { root_id, version, comments, rows }
let order = [];        // the comments in reading order: each before its replies
let selected = null;   // the id of the selected comment
let pointed = null;    // the comment under the pointer or with the focus
let opened = null;     // the root of the thread that is shown or loading
let writing = false;
let stream = null;
const nodes = new Map();

async function call(path, method = 'GET', body, token) {
  const headers = { 'Content-Type': 'application/json', ...token && { Authorization: `Bearer ${token}` } };
  const response = await fetch(path, { method, headers, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.detail ?? response.statusText);
  return answer;
}

const curator = () => people.find(person => person.role === 'moderator')?.token;

function attempt(work) {
  at('#said').textContent = '';
  return work().catch(error => at('#said').textContent = error.message);
}

// ---- reading ----

async function listThreads(chosen) {
  const { threads } = await call('explorer/threads');
  at('#threads').replaceChildren(...threads.map(({ root_id, excerpt, comment_count }) =>
    element('option', { value: root_id, selected: root_id === chosen }, `${root_id}: ${excerpt} (${comment_count})`)));
  at('#threads').disabled = threads.length === 0;
  return threads;
}

async function open(id) {
  opened = id;
  const first = await call(`explorer/threads/${id}`);
  if (opened !== id) return; // another thread was chosen meanwhile
  stream?.close();
  nodes.forEach(node => node.remove());
  nodes.clear();
  thread = null;
  selected = null;
  show(first, { kind: 'read', id });
  history.replaceState(null, '', `?thread=${id}`);
  listen(id);
}

/** Follows the writes of others. An event has less detail for the statement pane than this page's own writes, so those are skipped. */
function listen(id) {
  stream = new EventSource(`comments/${id}/events`);
  for (const kind of ['created', 'edited', 'deleted', 'moved', 'liked'])
    stream.addEventListener(kind, ({ data }) => {
      if (!writing) attempt(() => refresh({ kind, id: JSON.parse(data).comment_id }));
    });
}

async function refresh(what) {
  const id = opened;
  const next = await call(`explorer/threads/${id}`);
  if (id === opened && next.version > thread.version) show(next, what);
}

// ---- the four panes ----

const keyOf = row => `${row.ancestor_id} ${row.descendant_id}`;
const tuple = row => `(${row.ancestor_id}, ${row.nearest_ancestor_id}, ${row.descendant_id}, ${row.depth})`;

function show(next, what) {
  const before = new Map((thread?.rows ?? next.rows).map(row => [keyOf(row), row]));
  const after = new Map(next.rows.map(row => [keyOf(row), row]));
  const same = (one, other) => one && other && tuple(one) === tuple(other);
  const made = next.rows.filter(row => !same(row, before.get(keyOf(row))));
  const gone = [...before.values()].filter(row => !same(row, after.get(keyOf(row))));
  thread = next;

  const replies = Map.groupBy(next.comments, comment => comment.parent_id);
  order = [];
  const pending = [...replies.get(null) ?? []];
  while (pending.length > 0) {
    const comment = pending.pop();
    order.push(comment);
    pending.push(...(replies.get(comment.id) ?? []).toReversed());
  }

  drawTree(replies);
  drawRows(new Set(made.map(keyOf)));
  drawMatrix();
  explain(what, made, gone);
  select(order.some(comment => comment.id === selected) ? selected : null);
  light(pointed === null ? null : { id: pointed });
}

/** Leaves are side by side, and each parent is centered above its replies. */
function drawTree(replies) {
  const canvas = at('#tree');
  const [stepY, margin] = [78, 36];
  const place = new Map();
  let leaf = 0;
  for (const comment of order.toReversed()) {
    const below = replies.get(comment.id) ?? [];
    const x = below.length > 0 ? (place.get(below[0].id).x + place.get(below.at(-1).id).x) / 2 : leaf++;
    place.set(comment.id, { x, y: comment.depth });
  }
  const gaps = Math.max(leaf - 1, 1);
  const stepX = Math.max(56, Math.min(104, (canvas.clientWidth - 2 * margin) / gaps));
  const width = Math.max((leaf - 1) * stepX + 2 * margin, canvas.clientWidth);
  const start = (width + (leaf - 1) * stepX) / 2;
  const height = Math.max(...order.map(comment => comment.depth)) * stepY + 2 * margin;
  // The loop ran backwards, so leaves were counted from the right.
  const point = id => ({ x: start - place.get(id).x * stepX, y: margin + place.get(id).y * stepY });

  const edges = order.filter(comment => comment.parent_id !== null).map(comment => {
    const [from, to] = [point(comment.parent_id), point(comment.id)];
    const path = drawn('path', { d: `M${from.x} ${from.y}C${from.x} ${from.y + 40} ${to.x} ${to.y - 40} ${to.x} ${to.y}` });
    path.dataset.from = comment.parent_id;
    path.dataset.to = comment.id;
    return path;
  });
  canvas.querySelector('svg')?.remove();
  canvas.prepend(drawn('svg', { width, height, 'aria-hidden': 'true' }, ...edges));

  for (const [id, node] of nodes)
    if (!place.has(id)) {
      node.remove();
      nodes.delete(id);
    }
  let previous = canvas.firstChild;
  for (const comment of order) {
    const node = nodes.get(comment.id) ?? makeNode(comment.id);
    const { x, y } = point(comment.id);
    node.style.left = `${x - 21}px`;
    node.style.top = `${y - 21}px`;
    node.classList.toggle('gone', comment.deleted);
    node.title = comment.deleted ? '(deleted)' : comment.excerpt;
    node.ariaLabel = `Comment ${comment.id}, level ${comment.depth}: ${node.title}`;
    // Reading order is also the tab order. A node that is in place is not touched, or it would lose the pointer.
    if (previous.nextSibling !== node) previous.after(node);
    previous = node;
  }
}

function makeNode(id) {
  const node = element('button', { type: 'button', className: 'node', textContent: id, ariaPressed: false });
  node.onpointerenter = node.onfocus = () => light({ id: pointed = id });
  node.onpointerleave = node.onblur = () => light(pointed = null);
  node.onclick = () => {
    select(id);
    explain({ kind: 'read', id }, [], []);
  };
  node.onpointerdown = event => drag(event, node, id);
  nodes.set(id, node);
  return node;
}

function drag(start, node, id) {
  const [left, top] = [node.offsetLeft, node.offsetTop];
  let over = null;
  const target = event => {
    node.hidden = true; // to find the element under it
    const below = document.elementFromPoint(event.clientX, event.clientY)?.closest('.node');
    node.hidden = false;
    return below ?? null;
  };
  const stop = new AbortController();
  const move = event => {
    const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
    if (!node.classList.contains('held') && Math.hypot(x, y) < 6) return;
    node.classList.add('held');
    node.style.left = `${left + x}px`;
    node.style.top = `${top + y}px`;
    over?.classList.remove('over');
    over = target(event);
    over?.classList.add('over');
  };
  const drop = () => {
    stop.abort();
    over?.classList.remove('over');
    if (!node.classList.contains('held')) return;
    node.classList.remove('held');
    node.style.left = `${left}px`;
    node.style.top = `${top}px`;
    if (over) attempt(() => write('moved', id, Number(over.textContent)));
  };
  document.addEventListener('pointermove', move, { signal: stop.signal });
  document.addEventListener('pointerup', drop, { signal: stop.signal });
  document.addEventListener('pointercancel', drop, { signal: stop.signal });
}

function drawRows(made) {
  const some = (count, thing) => `${count} ${thing}${count === 1 ? '' : 's'}`;
  at('#rows-count').textContent = `${some(thread.rows.length, 'row')} for ${some(order.length, 'comment')}`;
  at('#rows').replaceChildren(...thread.rows.map(row => {
    const line = element('tr', { className: made.has(keyOf(row)) ? 'made' : '', onpointerenter: () => light({ row }), onpointerleave: () => light(null) },
      ...[row.ancestor_id, row.nearest_ancestor_id, row.descendant_id, row.depth].map(value => element('td', { textContent: value })));
    line.row = row;
    return line;
  }));
}

function drawMatrix() {
  const rank = new Map(order.map((comment, index) => [comment.id, index]));
  const cell = Math.max(5, Math.min(24, Math.floor(440 / order.length)));
  const head = cell >= 12 ? 28 : 0;
  const side = cell * order.length;
  const labels = head ? order.flatMap(({ id }, index) => [
    drawn('text', { x: head + (index + .5) * cell, y: head - 8, 'text-anchor': 'middle' }, id),
    drawn('text', { x: head - 8, y: head + (index + .5) * cell, 'text-anchor': 'end', 'dominant-baseline': 'central' }, id),
  ]) : [];
  const cells = thread.rows.map(row => {
    const distance = row.depth - order[rank.get(row.ancestor_id)].depth;
    const rect = drawn('rect', {
      x: head + rank.get(row.descendant_id) * cell + 1, y: head + rank.get(row.ancestor_id) * cell + 1,
      width: cell - 2, height: cell - 2, rx: Math.min(4, cell / 4), opacity: Math.max(.28, 1 - distance * .16),
    });
    rect.row = row;
    rect.addEventListener('pointerenter', () => light({ row }));
    rect.addEventListener('pointerleave', () => light(null));
    return rect;
  });
  at('#matrix').replaceChildren(drawn('svg', {
    viewBox: `0 0 ${head + side} ${head + side}`, width: head + side, role: 'img', 'aria-label': `The ${thread.rows.length} pairs of ancestor and descendant`,
  }, drawn('rect', { class: 'frame', x: head, y: head, width: side, height: side }), ...labels, ...cells));
}

/** Highlights a comment's ancestors and descendants, or a row's two comments, in every pane. */
function light(what) {
  const id = what?.id ?? null, one = what?.row ?? null;
  // Rows with the comment as descendant have its ancestors; rows with it as ancestor have its descendants.
  const kind = row => one ? (row === one ? 'up' : '') : row.descendant_id === id ? 'up' : row.ancestor_id === id ? 'down' : '';
  const above = new Set(), below = new Set();
  for (const row of thread?.rows ?? []) {
    if (kind(row) === 'up') above.add(row.ancestor_id);
    if (kind(row) === 'down') below.add(row.descendant_id);
  }
  if (one) below.add(one.descendant_id);
  const mark = (target, name, on) => target.classList.toggle(name, on);
  for (const [own, node] of nodes) {
    mark(node, 'self', own === id);
    mark(node, 'up', own !== id && above.has(own));
    mark(node, 'down', own !== id && below.has(own));
  }
  for (const line of [...at('#rows').children, ...document.querySelectorAll('#matrix rect:not(.frame)')]) {
    mark(line, 'up', kind(line.row) === 'up');
    mark(line, 'down', kind(line.row) === 'down');
  }
  for (const path of document.querySelectorAll('#tree path')) {
    const [from, to] = [Number(path.dataset.from), Number(path.dataset.to)];
    mark(path, 'up', !one && above.has(from) && (above.has(to) || to === id));
    mark(path, 'down', !one && below.has(to) && (below.has(from) || from === id));
  }
}

// ---- the statement ----

/** Values replace the article's parameters, in bold to tell them from the text. */
function statement(strings, ...values) {
  return strings.flatMap((text, index) => index < values.length ? [text, element('b', { textContent: values[index] ?? 'null' })] : [text]);
}

const statements = {
  read: ({ id }) => ['The article’s query: the rows whose ancestor is the comment, a single index range scan.', statement`select
  comments_tree.nearest_ancestor_id,
  comments_comments.id,
  comments_comments.content
from comments_comments
join comments_tree
  on comments_comments.id = comments_tree.descendant_id
where comments_tree.ancestor_id = ${id}`],

  created: ({ id, comment }) => comment?.parent_id == null
    ? ['A comment is its own ancestor. A root has no other ancestors.', statement`insert into comments_tree
  (ancestor_id, nearest_ancestor_id, descendant_id, depth)
values (${id}, ${id}, ${id}, 0)`]
    : ['First the comment’s own row, then the article’s insert: a row for each ancestor of the parent, including the parent.', statement`insert into comments_tree
  (ancestor_id, nearest_ancestor_id, descendant_id, depth)
values (${id}, ${id}, ${id}, ${comment.depth});

insert into comments_tree
  (ancestor_id, nearest_ancestor_id, descendant_id, depth)
select
  descendant.ancestor_id,
  nearest.nearest_ancestor_id,
  ancestor.descendant_id,
  nearest.depth + 1
from
  comments_tree as descendant,
  comments_tree as nearest,
  comments_tree as ancestor
where descendant.descendant_id = ${comment.parent_id}
  and ancestor.ancestor_id = ${id}
  and nearest.ancestor_id = ${comment.parent_id}
  and nearest.descendant_id = ${comment.parent_id}`],

  moved: ({ id, comment, from }) => ['First detach: remove the pairs of old ancestors and the subtree. Then attach: add the pairs of the new parent and its ancestors with the subtree.', statement`delete from comments_tree
where descendant_id in (
    select descendant_id from comments_tree
    where ancestor_id = ${id})
  and ancestor_id in (
    select ancestor_id from comments_tree
    where descendant_id = ${from ?? 'the old parent'});

-- also adjusts the depth of the subtree

insert into comments_tree
  (ancestor_id, nearest_ancestor_id, descendant_id, depth)
select above.ancestor_id, below.parent_id, below.id, below.depth
from comments_tree as above, comments_comments as below
where above.descendant_id = ${comment?.parent_id}
  and below.id in (
    select descendant_id from comments_tree
    where ancestor_id = ${id})`],

  deleted: ({ id, comment }) => comment
    ? ['It has replies, so it becomes a tombstone: its text is removed, its rows stay.', statement`update comments_comments
set content = '', author_id = null, deleted_at = clock_timestamp()
where id = ${id}`]
    : ['All its replies are deleted too: the rows with any of them as descendant.', statement`delete from comments_tree
where descendant_id in (
    select descendant_id from comments_tree
    where ancestor_id = ${id})`],

  edited: ({ id }) => ['The text changes, the tree does not.', statement`update comments_comments set content = … where id = ${id}`],
  liked: ({ id }) => ['A like is a separate row; the tree does not change.', statement`insert into comments_likes (comment_id, user_id) values (${id}, …)`],
};

function explain(what, made, gone) {
  const comment = order.find(other => other.id === what.id);
  const [why, sql] = statements[what.kind]({ ...what, comment });
  at('#why').textContent = why;
  at('#sql').replaceChildren(...sql);
  const chip = (row, className) => element('span', { className, textContent: tuple(row) });
  at('#changes').replaceChildren(...gone.map(row => chip(row, 'gone')), ...made.map(row => chip(row, 'made')));
}

// ---- writing ----

function select(id) {
  selected = id;
  for (const [own, node] of nodes) node.ariaPressed = own === id;
  const comment = order.find(other => other.id === id);
  at('#acts').hidden = !comment || people.length === 0;
  if (!comment) return;
  at('#selected').textContent = `${id}: ${comment.deleted ? '(deleted)' : comment.excerpt}`;
  at('#target').replaceChildren(...order.filter(other => other.id !== id && !other.deleted).map(other => element('option', { value: other.id, textContent: other.id })));
}

async function write(kind, id, parent) {
  const from = order.find(comment => comment.id === id)?.parent_id;
  writing = true;
  try {
    if (kind === 'created') {
      const person = people[Math.floor(Math.random() * people.length)];
      id = (await call('comments', 'POST', { parent_id: parent, content: saying() }, person.token)).id;
    } else if (kind === 'moved') {
      await call(`comments/${id}/parent`, 'PUT', { parent_id: parent }, curator());
    } else {
      await call(`comments/${id}${parent ? '?subtree=true' : ''}`, 'DELETE', undefined, curator());
      if (id === opened && (parent || order.length === 1)) return await start(null);
    }
    await refresh({ kind, id, from });
  } finally {
    writing = false;
  }
}

const sayings = ['That is what I saw as well.', 'Do you have numbers for that?', 'It depends on how deep your threads are.', 'Reading is the common case.',
  'One more row for each level above it.', 'A move is a delete and an insert.', 'I would measure it first.', 'And the ancestors are one query.'];
const saying = () => sayings[Math.floor(Math.random() * sayings.length)];

/** Creates a small thread by three users through the public API. */
async function grow() {
  const say = (person, content, parent_id) => call('comments', 'POST', parent_id ? { content, parent_id } : { content, topic: 'explorer' }, people[person].token);
  const root = await say(0, 'How do you store a thread in a table?');
  const first = await say(1, 'A row for each ancestor of each comment.', root.id);
  const second = await say(2, 'Or a path in each row, if comments are never moved.', root.id);
  const third = await say(0, 'How many rows is that?', first.id);
  await say(2, 'One per level, and one for the comment itself.', third.id);
  await say(1, 'About six, in real threads.', third.id);
  await say(0, 'Comments do get moved.', second.id);
  await say(2, 'Is it fast to read a branch?', first.id);
  await listThreads(root.id);
  await open(root.id);
}

at('#threads').onchange = event => attempt(() => open(Number(event.target.value)));
at('#grow').onclick = event => {
  event.target.disabled = true;
  attempt(grow).finally(() => event.target.disabled = false);
};
at('#acts').onsubmit = event => {
  event.preventDefault();
  const acts = {
    reply: () => write('created', null, selected),
    move: () => write('moved', selected, Number(at('#target').value)),
    delete: () => write('deleted', selected),
    prune: () => write('deleted', selected, true),
  };
  attempt(acts[event.submitter.value]);
};

async function start(wanted) {
  const threads = await listThreads(wanted);
  // The newest thread with replies.
  const id = wanted || (threads.find(({ comment_count }) => comment_count > 1) ?? threads[0])?.root_id;
  if (!id) return;
  at('#threads').value = id;
  await open(id);
}

// Writing needs users with tokens, which only Development provides; otherwise the page is read-only.
people = (await call('explorer/people', 'POST').catch(() => ({ people: [] }))).people;
await attempt(() => start(Number(new URLSearchParams(location.search).get('thread'))));
at('#grow').hidden = people.length === 0;
