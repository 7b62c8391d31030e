DROP TABLE contract_revision, contract, supplier;
DROP FUNCTION same_name(text);
