// The Russian texts of <closure-comments>, loaded if the page's language is Russian. The keys are those in embed.js.
export default {
  count: '# комментарий|# комментария|# комментариев', fresh: '# новый комментарий|# новых комментария|# новых комментариев',
  freshReplies: '# новый ответ|# новых ответа|# новых ответов', more: 'Показать ещё', moreReplies: 'Ещё # ответ|Ещё # ответа|Ещё # ответов',
  hidden: '# ответ|# ответа|# ответов', top: 'Лучшие', new: 'Новые', old: 'Старые', order: 'Порядок', say: 'Присоединяйтесь к обсуждению…',
  reply: 'Ответить', replyTo: 'Ответ для #…', send: 'Отправить', save: 'Сохранить', cancel: 'Отмена', edit: 'Изменить',
  remove: 'Удалить', sure: 'Точно удалить?', like: 'Нравится', edited: 'изменён', deleted: 'Комментарий удалён.', fold: 'Ветка: #',
  signIn: 'Войти', signUp: 'Регистрация', signOut: 'Выйти', email: 'Почта', password: 'Пароль', name: 'Имя',
  empty: 'Комментариев пока нет. Напишите первый.', loading: 'Загрузка…', failed: 'Не удалось загрузить комментарии.',
  offline: 'Не удалось связаться с сервером.', again: 'Повторить',
};
