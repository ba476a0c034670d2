// The demo page reads its topic and language from the address, so that one page can show any thread: /?topic=…&lang=ru
{
  const query = new URLSearchParams(location.search);
  const thread = document.querySelector('closure-comments');
  const topic = query.get('topic') || thread.getAttribute('topic');
  const lang = query.get('lang') ?? 'en';

  // embed.js runs after this script and finds these attributes set.
  thread.setAttribute('topic', topic);
  thread.lang = lang;
  for (const option of ['theme', 'sort', 'session'])
    if (query.has(option)) thread.setAttribute(option, query.get(option));

  document.querySelector('#origin').textContent = new URL('.', location).href;
  for (const feed of document.querySelectorAll('[href^="topics/feed"]'))
    feed.href = 'topics/feed?' + new URLSearchParams({ topic });

  const language = document.querySelector('#language');
  if (lang === 'ru') Object.assign(language, { lang: 'en', textContent: 'English' });
  query.set('lang', lang === 'ru' ? 'en' : 'ru');
  language.href = '?' + query;
}
