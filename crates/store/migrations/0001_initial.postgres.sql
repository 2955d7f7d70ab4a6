-- What PostgreSQL says differently: triggers; and room in the pages of rows that are updated once, so that the update stays there.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% rows are only added', TG_TABLE_NAME; END $$;

CREATE TRIGGER ledger_entries_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER prices_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON prices
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE tasks SET (fillfactor = 70);
ALTER TABLE wallets SET (fillfactor = 50);
