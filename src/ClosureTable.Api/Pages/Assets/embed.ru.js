// The Russian texts of <closure-comments>, fetched where the page's language asks for them. The keys are those of embed.js.
export default {
  count: '# комментарий|# комментария|# комментариев', fresh: '# новый комментарий|# новых комментария|# новых комментариев',
  freshReplies: '# новый ответ|# новых ответа|# новых ответов', more: 'Показать ещё', moreReplies: 'Ещё # ответ|Ещё # ответа|Ещё # ответов',
  hidden: '# ответ|# ответа|# ответов', top: 'Лучшие', new: 'Новые', old: 'Старые', order: 'Порядок', say: 'Что думаете?',
  reply: 'Ответить', replyTo: 'Ответ для #…', send: 'Отправить', save: 'Сохранить', cancel: 'Отмена', edit: 'Изменить',
  remove: 'Удалить', sure: 'Точно удалить?', like: 'Нравится', edited: 'изменён', deleted: 'Комментарий удалён.', fold: 'Ветка: #',
  signIn: 'Войти', signUp: 'Регистрация', signOut: 'Выйти', email: 'Почта', password: 'Пароль', name: 'Имя',
  empty: 'Пока пусто. Скажите первое слово.', loading: 'Загрузка…', failed: 'Не удалось связаться с сервером.', again: 'Повторить',
};
