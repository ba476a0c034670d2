// <closure-comments topic="…">: a comment thread for any page, in one file, without a framework. docs/embed.md describes its
// attributes, texts and colors, and what the page's own scripts can see of a session.
// The service minifies it when it is first requested; there is no build step.
{
  const home = new URL('.', document.currentScript?.src ?? location).href;

  // Bars separate the plural forms, in the order one, (few,) other. # stands for the number or the name.
  const english = {
    count: '# comment|# comments', fresh: '# new comment|# new comments', freshReplies: '# new reply|# new replies',
    more: 'Show more comments', moreReplies: '# more reply|# more replies', hidden: '# reply|# replies', top: 'Top', new: 'Newest', old: 'Oldest',
    order: 'Order', say: 'Join the conversation…', reply: 'Reply', replyTo: 'Reply to #…', send: 'Post', save: 'Save', cancel: 'Cancel',
    edit: 'Edit', remove: 'Delete', sure: 'Really delete?', like: 'Like', edited: 'edited', deleted: 'This comment was deleted.',
    fold: 'Thread of #', signIn: 'Sign in', signUp: 'Sign up', signOut: 'Sign out', email: 'E-mail', password: 'Password', name: 'Name',
    empty: 'No comments yet. Be the first to comment.', loading: 'Loading comments…', failed: "Couldn't load comments.",
    offline: "Couldn't reach the server.", again: 'Try again',
  };

  // A constructed style sheet works without 'unsafe-inline' in the page's policy. Font and text color come from the page.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { display: block; container-type: inline-size; overflow-anchor: none; line-height: 1.55; --pic: 34px;
      --accent: var(--closure-accent, light-dark(#3346c4, #a9b6ff)); --red: light-dark(#b3195a, #ff8fb5);
      --line: color-mix(in srgb, currentColor 17%, transparent); --wash: color-mix(in srgb, currentColor 6%, transparent) }
    :host([theme=dark]) { color-scheme: dark }
    :host([theme=light]) { color-scheme: light }
    section { --step: 38px; --deep: 8 }
    @container (width < 560px) { section { --pic: 26px; --step: 20px; --deep: 4 } }
    * { box-sizing: border-box }
    [hidden] { display: none !important }
    ol { list-style: none; margin: 0; padding: 0 }
    h2 { font-size: 1.3em; margin: 0; flex: 1; letter-spacing: -.015em }
    p { margin: 0 0 .6em }
    a { color: var(--accent) }
    button, input, textarea, select { font: inherit; color: inherit; border: 0; background: none; border-radius: 10px; padding: .2em .6em; min-height: 28px }
    button, select { cursor: pointer; field-sizing: content }
    button:hover, select:hover { background: var(--wash) }
    button:disabled { opacity: .5 }
    option { background: Canvas; color: CanvasText }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
    .bar, .row { display: flex; flex-wrap: wrap; gap: .4em; align-items: center; margin-bottom: .8em }
    .row { justify-content: end; margin: .5em 0 0 }
    textarea, input { display: block; width: 100%; box-shadow: inset 0 0 0 1.5px var(--line); border-radius: 14px; padding: .7em 1em; resize: vertical }
    textarea { min-height: 3.1em; max-height: 60vh; field-sizing: content }
    textarea:focus, input:focus { outline: 0; box-shadow: inset 0 0 0 2px var(--accent) }
    ::placeholder { color: inherit; opacity: .75 }
    .say:not(:focus-within):has(:placeholder-shown) .row { display: none }
    .main, .pill * { background: var(--accent); color: light-dark(#fff, #12142a); font-weight: 600; padding: .3em 1.1em; border-radius: 99px }
    .main:hover, .pill :hover { background: color-mix(in srgb, var(--accent) 85%, CanvasText) }
    [role=alert] { color: var(--red); flex: 1; font-size: .9em }
    .pill { position: sticky; top: 10px; height: 0; z-index: 2; text-align: center }
    .pill :empty { display: none }
    li { position: relative; padding-top: 16px }
    ol ol { padding-inline-start: clamp(0px, (var(--deep) - var(--d)) * 99px, var(--step)) }
    article { position: relative; padding-inline-start: calc(var(--pic) + 12px); border-radius: 10px; outline-offset: 5px !important }
    .pic { position: absolute; inset-inline-start: 0; width: var(--pic); height: var(--pic); border-radius: 50%; display: grid; place-items: center; font-size: .85em; font-weight: 700;
      background: light-dark(hsl(var(--h) 60% 90%), hsl(var(--h) 30% 27%)); color: light-dark(hsl(var(--h) 65% 27%), hsl(var(--h) 70% 86%)) }
    article:has(.void) .pic { background: var(--wash); color: inherit }
    ol ol > li::before, ol ol > li:has(~ li:not([hidden]))::after, li:has(> ol > li:not([hidden])) > article::before {
      content: ""; position: absolute; opacity: clamp(0, var(--deep) - var(--d), 1); border: 0 solid var(--line); border-inline-start-width: 1.5px;
      inset-inline-start: calc(var(--pic) / 2 - var(--step)); top: 0; width: calc(var(--step) - var(--pic) / 2 - 5px); height: calc(16px + var(--pic) / 2); pointer-events: none }
    ol ol > li::before { border-bottom-width: 1.5px; border-end-start-radius: 12px }
    ol ol > li:has(~ li:not([hidden]))::before { border-inline-start: 0; border-radius: 0 }
    ol ol > li::after { height: auto !important; bottom: 0 }
    li > article::before { inset: calc(var(--pic) + 4px) auto 30px calc(var(--pic) / 2) !important; height: auto !important }
    header, footer { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .5em; font-size: .86em }
    header { min-height: 28px }
    header > :not(b), footer button, .void { color: color-mix(in srgb, currentColor 75%, transparent) }
    header a { text-decoration: none }
    footer { margin: -.2em -.6em 0; gap: 0; min-height: 28px }
    .fold { position: absolute; inset-inline-start: calc(var(--pic) / 2 - 12px); bottom: 3px; width: 24px; min-height: 24px; padding: 0; border-radius: 50%; line-height: 1; border: 1.5px solid var(--line) }
    .shut .fold { position: static; width: auto; padding: 0 .8em; color: var(--accent); border-radius: 99px }
    .like::before { content: "♡\\FE0E  " }
    [aria-pressed=true] { color: var(--red) !important }
    [aria-pressed=true]::before { content: "♥\\FE0E  " }
    .news, .rest button { color: var(--accent) !important; font-weight: 600 }
    .text { white-space: pre-wrap; overflow-wrap: anywhere; overflow: clip }
    .void { font-style: italic }
    .rest { font-size: .86em }
    .shut > ol, .shut > article > :not(header, .pic), .shut > article::before { display: none !important }
    .here > article { background: var(--wash); box-shadow: 0 0 0 6px var(--wash) }
    article form { margin: .5em 0 }
    .bar > span { display: flex; align-items: center }
    .say { margin-bottom: 1.2em }
    .note { text-align: center; margin: 2em }
    .note:empty { margin: 0 }
    dialog { border: 0; border-radius: 20px; padding: 1.6em; width: min(360px, 92vw); background: Canvas; color: CanvasText; box-shadow: 0 20px 70px #0006 }
    dialog::backdrop { background: #0007 }
    label { display: block; margin: .8em 0 }
    @media (prefers-reduced-motion: no-preference) {
      .born > article { animation: born .5s }
      @keyframes born { from { opacity: 0; translate: 0 -8px } }
    }
  `);

  /** Makes an element. Sets a property if the element has one of that name, else an attribute. String children become text, never markup. */
  const h = (tag, props = {}, ...children) => {
    const element = document.createElement(tag);
    for (const name in props) name in element ? element[name] = props[name] : element.setAttribute(name, props[name]);
    element.append(...children);
    return element;
  };

  // A URL contains only balanced parentheses and does not end in punctuation.
  const address = /(https?:\/\/(?:\([^\s<>"()]*\)|[^\s<>"()])*(?:\([^\s<>"()]*\)|[^\s<>"()'.,;:!?\]]))/i;

  /** Content as paragraphs, with URLs as links. */
  const prose = text => text.split(/\n{2,}/).map(paragraph => h('p', { dir: 'auto' }, ...paragraph.split(address)
    .map((part, i) => i % 2 ? h('a', { href: part, rel: 'nofollow ugc noopener', target: '_blank' }, part) : part)));

  const stored = kind => {
    try { return window[kind] ?? {}; } catch { return {}; } // storage is blocked for this page
  };
  const drafts = stored('sessionStorage');

  // Refresh tokens are in IndexedDB: another tab can see a localStorage write later than the release of the lock under which it was made.
  const database = new Promise((done, fail) => {
    const request = indexedDB.open('closure-comments');
    request.onupgradeneeded = () => request.result.createObjectStore('sessions');
    request.onsuccess = () => done(request.result);
    request.onerror = fail;
  });
  database.catch(() => {});
  const inDatabase = async (verb, ...values) => {
    const transaction = (await database).transaction('sessions', 'readwrite');
    const request = transaction.objectStore('sessions')[verb](...values);
    return new Promise((done, fail) => {
      transaction.oncomplete = () => done(request.result);
      transaction.onabort = fail;
    });
  };

  // With read replicas, the response to a write has the position that a later read must have reached to show it.
  const sessions = {}, seenHeader = 'ClosureTable-Seen';

  /** A session at a server, shared by the threads on the page. The access token never leaves this function. */
  const Session = (server, mode) => {
    const self = new EventTarget();
    const tab = mode == 'tab' ? stored('sessionStorage') : {}, slot = 'closure-comments ' + server;
    let access, until = 0, turn, open = true, seen;

    // Without IndexedDB, or if the session is for one tab, the token is in `tab`.
    const read = () => mode == 'local' ? inDatabase('get', server).catch(() => tab[slot]) : tab[slot];
    const write = async token => {
      open = !!token;
      if (mode == 'local' && await inDatabase(...token ? ['put', token, server] : ['delete', server]).then(() => true, () => {})) return;
      token ? tab[slot] = token : delete tab[slot];
    };

    const become = user => {
      self.user = user;
      self.dispatchEvent(new Event('change'));
    };
    const keep = answer => {
      const end = Date.parse(answer.expired) - 3e4;
      until = end > Date.now() ? end : Infinity; // the local clock is wrong: rely on the server's 401
      access = answer.token;
      return write(answer.refresh_token);
    };
    const forget = async () => {
      access = null;
      await write();
      become(null);
    };
    const refresh = async () => {
      try {
        const refresh_token = await read();
        if (refresh_token) await keep(await self.call('auth/refresh', 'POST', { refresh_token }));
        else open = false;
      } catch (error) {
        if (error.status == 401) await forget(); // other errors may be temporary, so keep the session
      }
      turn = null;
    };
    // A refresh token can be used once, and a second use ends the session: one tab at a time.
    const renew = () => open && Date.now() > until && (turn ??= navigator.locks ? navigator.locks.request(slot, refresh) : refresh());

    return Object.assign(self, {
      async call(path, method, body, key, again) {
        const own = !path.startsWith('auth/');
        if (own) await renew();
        const headers = {}, token = own && access;
        if (body) headers['Content-Type'] = 'application/json';
        if (key) headers['Idempotency-Key'] = key;
        if (token) headers.Authorization = 'Bearer ' + token;
        if (seen) headers[seenHeader] = seen;
        const response = await fetch(server + path, { method, headers, body: JSON.stringify(body) });
        seen = response.headers.get(seenHeader) ?? seen;
        const answer = await response.json().catch(() => ({}));
        if (response.ok) return answer;
        if (response.status == 401 && token && !again) {
          if (token == access) until = 0; // else it was renewed while this call was under way
          return self.call(path, method, body, key, true);
        }
        throw Object.assign(Error(Object.values(answer.errors ?? {}).flat().join(' ') || answer.detail || response.status), { status: response.status });
      },
      /** Restores the session of the last visit. */
      async resume() {
        await renew();
        if (access && !self.user) become(await self.call('users/me'));
      },
      async signIn(email, password, name) {
        if (name) await self.call('auth/register', 'POST', { email, password, name });
        await keep(await self.call('auth/login', 'POST', { email, password }));
        await self.resume();
      },
      async signOut() {
        const refresh_token = await read();
        await forget();
        return self.call('auth/logout', 'POST', { refresh_token });
      },
    });
  };

  /** Fills the element with its thread. Returns a function that stops it. */
  const open = host => {
    const away = new AbortController(), { signal } = away;
    const server = new URL(host.getAttribute('server') ?? home, location).href;
    const topic = host.getAttribute('topic') ?? location.origin + location.pathname;
    const mode = host.getAttribute('session') ?? 'local';
    const session = sessions[server + mode] ??= Session(server, mode), { call } = session;
    const lang = host.closest('[lang]')?.lang || navigator.language;
    const plural = new Intl.PluralRules(lang), numbers = new Intl.NumberFormat(lang), ages = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' });
    const root = host.shadowRoot, places = new Map();
    let texts, total, live, turn, loading, here, sort = host.getAttribute('sort') ?? 'top';

    const t = (key, value) => {
      const forms = texts[key].split('|');
      const form = forms[['one', 'few'].indexOf(plural.select(value))] ?? forms.at(-1);
      return form.replace('#', () => value?.toFixed ? numbers.format(value) : value);
    };
    const button = (key, act, props) => h('button', { type: 'button', class: key, onclick: () => act()?.catch?.(say), ...props }, texts[key] ? t(key, 1) : '');
    const says = h('output'), note = h('p', { class: 'note' }), count = h('h2'), who = h('span');
    const reason = error => error.status ? error.message : t('offline');
    const say = error => {
      says.textContent = reason(error);
      setTimeout(() => says.textContent = '', 6e3);
    };

    // A place shows one comment: `c` is its latest data, `list` its replies, `rest` the button for further ones,
    // `fresh` replies that arrived later and are not shown yet. `all` is the place of the roots.
    const all = { c: {}, fresh: new Map() };
    const under = c => c.parent_id ? places.get(c.parent_id) : all;
    const shown = place => place.list.children.length - 1;

    const page = ({ c, cursor }, limit = 20) => call(`comments${c.id ? `/${c.id}/children` : ''}?` + new URLSearchParams(
      { sort, limit, depth: 2, children: 3, ...!c.id && { topic }, ...cursor && { cursor } }));

    const recount = async () => (await call('topics/counts?' + new URLSearchParams({ topic }))).counts[topic] ?? 0;

    const fill = (place, { comments, next_cursor }) => {
      for (const c of comments) add(place, c);
      place.cursor = next_cursor;
      if (!next_cursor) place.c.child_count = shown(place) + place.fresh.size;
      tally(place);
    };

    const further = async place => {
      const last = place.rest.previousSibling;
      fill(place, await page(place));
      (last?.nextSibling ?? place.list.firstChild).querySelector('article')?.focus({ preventScroll: true });
    };

    /** Loads the thread again: in another order, for another user, after a gap in the stream. Expanded replies stay expanded. */
    const load = () => loading = reload();
    const reload = async () => {
      const mine = turn = {}, { user } = session;
      who.replaceChildren(...user ? [h('bdi', {}, user.name), button('signOut', session.signOut)] : [button('signIn', ask)]);
      listen();
      try {
        all.cursor = null;
        const [first, number] = await Promise.all([page(all), recount()]);
        if (mine != turn) return;
        const before = [all, ...places.values()], sizes = new Map(before.map(place => [place, shown(place)]));
        still(() => {
          for (const place of before) place.list.replaceChildren(place.rest);
          fill(all, first);
        });
        tell(number);
        const lacks = place => place.list.isConnected && !place.rest.hidden && sizes.get(place) - shown(place);
        for (let pages = 0, place; pages < 20 && (place = before.find(place => lacks(place) > 0)); pages++) fill(place, await page(place, Math.min(lacks(place), 100)));
        if (here && !here.li.isConnected) arrive().catch(say);
      } catch {
        if (mine == turn) note.replaceChildren(t('failed'), button('again', load));
      }
    };

    /** Shows a comment below its parent, before or after the existing replies. */
    const add = (parent, c, first) => {
      const { li } = put(c);
      parent.fresh.delete(c.id);
      if (li.parentNode != parent.list) first ? parent.list.prepend(li) : parent.rest.before(li);
      tally(parent);
      return li;
    };

    /** Creates or updates the comment's place. Updating keeps what is expanded, collapsed or typed there. */
    const put = ({ children, more, ...c }) => {
      const place = places.get(c.id) ?? make(c.id);
      Object.assign(place.c, c);
      draw(place);
      if (children) {
        place.cursor = more?.cursor;
        for (const child of children) add(place, child);
      }
      tally(place);
      return place;
    };

    const make = id => {
      const path = 'comments/' + id;
      const form = (draft, key, action, send, value) => {
        const close = () => {
          if (element.contains(root.activeElement)) place.article.focus({ preventScroll: true });
          element.remove();
        };
        const element = write(draft + id, t(key, place.c.author?.name), action, async (...words) => (await send(...words), close()), close, value);
        place.article.querySelector('form')?.remove();
        place.article.append(element);
        element.firstChild.focus();
      };
      const place = {
        c: { id }, fresh: new Map(),
        pic: h('span', { class: 'pic', ariaHidden: true }), name: h('b', { id: 'by' + id, dir: 'auto' }), to: h('a', { href: '#', dir: 'auto' }), time: h('time'),
        edited: h('i', {}, t('edited')), fold: button('', () => fold(place), { class: 'fold' }), text: h('div'),
        like: button('', async () => {
          if (!await ask()) return;
          const liked = !place.c.liked;
          put({ id, liked, like_count: place.c.like_count + (liked || -1) });
          put(await call(path + '/like', liked ? 'PUT' : 'DELETE').catch(error => (load(), Promise.reject(error))));
        }, { class: 'like' }),
        reply: button('reply', () => form('reply', 'replyTo', 'send', (text, key) => post(place, text, key))),
        edit: button('edit', () => form('edit', 'edit', 'save', async content => put((await call(path, 'PATCH', { content })).comment), place.c.content)),
        remove: button('remove', async () => {
          if (place.remove.textContent != t('sure')) return place.remove.textContent = t('sure');
          const next = place.li.nextSibling?.querySelector('article') ?? under(place.c)?.article;
          await call(path, 'DELETE');
          if (place.c.child_count) put({ id, deleted: true, author: null });
          else if (places.has(id)) still(() => drop(place)); // unless the event came first
          // The button is gone; focus the nearest element instead of the top of the page.
          [place.article, next, root.querySelector('textarea')].find(element => element?.isConnected).focus({ preventScroll: true });
        }, { onblur: () => place.remove.textContent = t('remove') }),
        news: button('', () => meet(place), { class: 'news' }), rest: h('li', { class: 'rest' }, button('', () => further(place))),
      };
      const { pic, name, to, time, edited, text, like, reply, edit, remove, news, rest } = place;
      place.list = h('ol', { role: 'list' }, rest);
      place.article = h('article', { id: 'comment-' + id, tabIndex: places.size ? -1 : 0, 'aria-labelledby': 'by' + id }, pic,
        h('header', {}, name, to, h('a', { href: '#comment-' + id }, time), edited, place.fold), text, h('footer', {}, like, reply, edit, remove, news));
      place.li = h('li', {}, place.article, place.list);
      places.set(id, place);
      return place;
    };

    const draw = place => {
      const { c, c: { author }, pic, name, to, text, like } = place, { user } = session;
      name.textContent = author?.name ?? '…';
      pic.textContent = author ? [...author.name][0].toUpperCase() : '';
      pic.style.setProperty('--h', author?.id * 137 % 360 || 0);
      place.list.style.setProperty('--d', c.depth);
      to.hidden = c.depth < 4;
      to.hash = 'comment-' + c.parent_id;
      to.textContent = '↩ ' + (under(c)?.c.author?.name ?? '…');
      place.edited.hidden = !c.edited_at;
      const content = c.deleted ? t('deleted') : c.content;
      if (place.content != content) text.replaceChildren(...prose(place.content = content));
      text.className = c.deleted ? 'text void' : 'text';
      like.textContent = c.like_count ? numbers.format(c.like_count) : '';
      like.ariaLabel = `${t('like')} ${like.textContent}`;
      like.ariaPressed = !!(user && c.liked);
      like.hidden = place.reply.hidden = c.deleted;
      place.edit.hidden = place.remove.hidden = c.deleted || !user || user.id != author?.id && user.role != 'moderator';
      date(place);
    };

    const date = ({ c, time }) => {
      const then = new Date(c.created_at), seconds = Math.max(0, (Date.now() - then) / 1e3);
      const [unit, size] = [['year', 31557600], ['month', 2629800], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60]].find(([, size]) => seconds >= size) ?? ['second', Infinity];
      Object.assign(time, { dateTime: c.created_at, title: then.toLocaleString(lang), textContent: ages.format(-Math.floor(seconds / size), unit) });
    };

    /** Updates the numbers of replies that are not shown: further ones, collapsed ones, and new ones. */
    const tally = ({ c, list, rest, fresh, news, fold, li }) => {
      const left = c.child_count - list.children.length + 1 - fresh.size;
      rest.hidden = c.id ? left < 1 : !all.cursor;
      news.hidden = !fresh.size;
      news.textContent = t(c.id ? 'freshReplies' : 'fresh', fresh.size);
      if (!c.id) return;
      rest.firstChild.textContent = t('moreReplies', left);
      const shut = li.classList.contains('shut');
      fold.hidden = !c.child_count;
      fold.textContent = shut ? '+ ' + t('hidden', c.descendant_count || c.child_count) : '–';
      fold.ariaExpanded = !shut;
      fold.ariaLabel = t('fold', c.author?.name ?? '…');
    };

    const fold = (place, shut) => {
      place.li?.classList.toggle('shut', shut);
      tally(place);
    };

    const drop = place => {
      const parent = under(place.c);
      place.li.remove();
      places.delete(place.c.id);
      if (!parent) return;
      parent.c.child_count--;
      tally(parent);
      if (parent.c.deleted && !parent.c.child_count) drop(parent);
    };

    const tell = number => {
      count.textContent = t('count', total = number);
      note.textContent = all.list.children[1] ? '' : t('empty');
    };

    const post = async (parent, content, key) => {
      const { id } = parent.c;
      const c = await call('comments', 'POST', { content, ...id ? { parent_id: id } : { topic } }, key);
      await loading; // a load in progress may have read before this write, and would remove the comment again
      if (!parent.fresh.has(c.id) && !places.has(c.id)) {
        parent.c.child_count++;
        total++;
      }
      add(parent, c, sort != 'old' || !id).className = 'born';
      tell(total);
      recount().then(tell, () => {}); // a page loaded meanwhile may show the comment although its count does not include it
    };

    const meet = place => {
      fold(place, false);
      for (const c of place.fresh.values()) {
        const li = add(place, c, sort != 'old' || !place.c.id);
        li.className = 'born';
        li.firstChild.focus();
      }
      tell(total);
    };

    const listen = () => {
      live?.close();
      const mine = live = new EventSource(`${server}topics/events?` + new URLSearchParams({ topic }));
      for (const kind of ['created', 'edited', 'deleted', 'moved', 'liked', 'reset'])
        live.addEventListener(kind, ({ data }) => still(() => hear(kind, JSON.parse(data))));
      live.onerror = () => mine.readyState == 2 && setTimeout(() => mine == live && !signal.aborted && load(), 3e4);
    };

    const hear = (kind, { comment_id: id, comment, tombstone, removed = [] }) => {
      if (kind == 'moved' || kind == 'reset') return load();
      const parent = comment && under(comment);
      if (comment && places.has(id)) put(comment);
      else if (kind == 'created') {
        total++;
        if (parent && !parent.fresh.has(id)) {
          parent.fresh.set(id, comment);
          parent.c.child_count++;
          tally(parent);
        }
      }
      // Tombstones are not counted: a new one is one comment less, and removing one changes nothing.
      total -= tombstone || removed.filter(gone => !places.get(gone)?.c.deleted).length;
      for (const gone of removed) {
        for (const place of [all, ...places.values()])
          if (place.fresh.delete(gone)) {
            place.c.child_count--;
            tally(place);
          }
        if (places.has(gone)) drop(places.get(gone));
      }
      tell(total);
      if (kind == 'deleted') recount().then(tell, () => {});
    };

    /** Applies a change without moving the comment being read, or the focus. */
    const still = change => {
      const top = element => element.getBoundingClientRect().top;
      const read = [...root.querySelectorAll('article')].find(article => article.getBoundingClientRect().bottom > 0);
      const was = read && top(read), focus = root.activeElement;
      change();
      if (was < innerHeight && read.isConnected) scrollBy({ top: top(read) - was, behavior: 'instant' });
      if (focus?.isConnected && focus != root.activeElement) focus.focus({ preventScroll: true });
    };

    /** Goes to the comment in the address (#comment-42) and shows its ancestors. */
    const arrive = async () => {
      const id = +location.hash.match(/^#comment-(\d+)$/)?.[1];
      if (!id) return;
      if (!places.get(id)?.li.isConnected) {
        const path = 'comments/' + id;
        const [{ comments }, leaf] = await Promise.all([call(path + '/ancestors'), call(path + '?depth=2&children=3&limit=50&sort=' + sort)]);
        const line = [...comments, leaf];
        if (line[0].topic != topic) return;
        for (const c of line) add(under(c), c, true);
      }
      here?.li.classList.remove('here');
      here = places.get(id);
      for (let up = here; up.li; up = under(up.c)) fold(up, false);
      here.li.className = 'here';
      here.article.focus({ preventScroll: true });
      here.article.scrollIntoView({ block: 'center' });
    };

    /** Up, Down, Home and End move between comments; Left and Right collapse and expand, or go to the parent and the first reply. */
    const walk = event => {
      const { key, target } = event, place = places.get(+target.id.slice(8));
      if (target != place?.article) return;
      const shut = place.li.classList.contains('shut');
      const seen = [...root.querySelectorAll('article')].filter(article => article.offsetParent), at = seen.indexOf(target);
      const next = { ArrowDown: seen[at + 1], ArrowUp: seen[at - 1], Home: seen[0], End: seen.at(-1), ArrowLeft: under(place.c)?.article, ArrowRight: place.list.querySelector('article') }[key];
      if (key == 'ArrowLeft' && !shut && place.c.child_count || key == 'ArrowRight' && shut) fold(place);
      else if (next) next.focus();
      else return;
      event.preventDefault();
    };

    /** Only the comment that had the focus last is in the tab order. */
    const rove = ({ target }) => {
      if (target.tagName != 'ARTICLE') return;
      for (const article of root.querySelectorAll('article')) article.tabIndex = article == target ? 0 : -1;
    };

    /** A form for writing. Its draft survives a reload. Sending the same text again uses the same idempotency key, so that it is stored once. */
    const write = (draft, label, action, send, cancel, value) => {
      const slot = `closure-comments ${topic} ${draft}`;
      let said, key;
      const area = h('textarea', {
        placeholder: label, ariaLabel: label, maxLength: 10000, required: true, dir: 'auto', value: value ?? drafts[slot] ?? '',
        oninput: () => drafts[slot] = area.value,
        onkeydown: event => {
          if (event.key == 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
          if (event.key == 'Escape') cancel?.();
        },
      });
      const form = h('form', { class: draft }, area, row(action, cancel));
      return submit(form, async () => {
        const text = area.value.trim();
        if (!text || !await ask()) return;
        if (text != said) [said, key] = [text, crypto.getRandomValues(new Uint32Array(4)).join('-')];
        await send(text, key);
        delete drafts[slot];
        area.value = said = '';
      });
    };

    const row = (action, cancel, ...others) => h('div', { class: 'row' }, h('span', { role: 'alert' }), ...others, ...cancel ? [button('cancel', cancel)] : [], h('button', { class: 'main' }, t(action)));

    /** Allows one submission at a time, and shows errors in the form. */
    const submit = (form, send) => {
      const alert = form.querySelector('[role=alert]'), main = form.querySelector('.main');
      form.onsubmit = async event => {
        event.preventDefault();
        main.disabled = true;
        alert.textContent = '';
        await send().catch(error => alert.textContent = reason(error));
        main.disabled = false;
      };
      return form;
    };

    /** The signed-in user. Asks guests to sign in or up; null or undefined if they cancel. */
    const ask = async () => session.user ?? new Promise(done => {
      const field = (key, props) => h('label', {}, t(key), h('input', { required: true, ...props }));
      const name = field('name', { maxLength: 64, autocomplete: 'nickname' });
      const email = field('email', { type: 'email', autocomplete: 'email' });
      const password = field('password', { type: 'password', minLength: 8, maxLength: 128, autocomplete: 'current-password' });
      const other = button('signUp', () => turnTo(name.hidden)), close = () => dialog.close(), value = label => label.lastChild.value;
      const form = h('form', {}, name, email, password, row('signIn', close, other));
      const title = h('h2', {}, t('signIn'));
      const turnTo = up => {
        name.hidden = name.lastChild.disabled = !up;
        title.textContent = form.querySelector('.main').textContent = t(up ? 'signUp' : 'signIn');
        other.textContent = t(up ? 'signIn' : 'signUp');
      };
      turnTo(false);
      submit(form, () => session.signIn(value(email), value(password), !name.hidden && value(name)).then(close));
      const dialog = h('dialog', { ariaLabel: t('signIn'), onclose: () => (dialog.remove(), done(session.user)) }, title, form);
      root.append(dialog);
      dialog.showModal();
    });

    const start = async () => {
      const shipped = /^ru/.test(lang) && await import(home + 'embed.ru.js').catch(() => {});
      if (signal.aborted) return; // the element was removed, or its topic changed, meanwhile
      texts = { ...english, ...shipped?.default, ...host.texts };
      const order = h('select', { ariaLabel: t('order'), onchange: () => (sort = order.value, load()) }, ...['top', 'new', 'old'].map(value => h('option', { value, selected: value == sort }, t(value))));
      all.rest = h('li', { class: 'rest', hidden: true }, button('more', () => further(all)));
      all.list = h('ol', { role: 'list' }, all.rest);
      all.news = button('', () => meet(all), { hidden: true });
      note.textContent = t('loading');
      root.adoptedStyleSheets = [sheet];
      root.replaceChildren(h('section', { onkeydown: walk }, h('div', { class: 'bar' }, count, order, who),
        write('say', t('say'), 'send', (text, key) => post(all, text, key)), h('div', { class: 'pill', role: 'status' }, all.news, says), note, all.list));
      root.firstChild.addEventListener('focusin', rove);
      const clock = setInterval(() => places.forEach(date), 3e4);
      signal.onabort = () => (clearInterval(clock), live?.close());
      await session.resume().catch(() => {});
      if (signal.aborted) return;
      session.addEventListener('change', load, { signal });
      addEventListener('hashchange', () => arrive().catch(say), { signal });
      // A hidden tab releases its connection: over HTTP/1.1, browsers open at most six per server.
      document.addEventListener('visibilitychange', () => document.hidden ? live.close() : load(), { signal });
      await load();
      arrive().catch(say);
    };
    start();
    return () => away.abort();
  };

  customElements.define('closure-comments', class extends HTMLElement {
    static observedAttributes = ['topic', 'server', 'session', 'lang'];
    connectedCallback() {
      if (!this.shadowRoot) this.attachShadow({ mode: 'open' });
      this.stop = open(this);
    }
    disconnectedCallback() {
      this.stop();
    }
    attributeChangedCallback() {
      if (!this.stop || !this.isConnected) return;
      this.stop();
      this.stop = open(this);
    }
  });

  // <closure-count topic="…">: the number of comments of a topic. All of them on a page share one request per hundred topics.
  let waiting = [];
  customElements.define('closure-count', class extends HTMLElement {
    connectedCallback() {
      if (waiting.push(this) > 1) return;
      setTimeout(async () => {
        const elements = waiting;
        waiting = [];
        for (let i = 0; i < elements.length; i += 100) {
          const some = elements.slice(i, i + 100);
          const response = await fetch(home + 'topics/counts?' + new URLSearchParams(some.map(element => ['topic', element.getAttribute('topic')]))).catch(() => {});
          const { counts } = response?.ok ? await response.json() : { counts: {} };
          for (const element of some) element.textContent = counts[element.getAttribute('topic')] ?? '';
        }
      });
    }
  });
}
