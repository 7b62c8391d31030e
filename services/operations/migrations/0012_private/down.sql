DROP TABLE journal_private;
