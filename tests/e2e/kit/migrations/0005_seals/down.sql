DROP TABLE journal_seal;
