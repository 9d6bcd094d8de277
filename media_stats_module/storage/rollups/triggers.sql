-- The triggers on one of Synapse's four media tables. install.py puts in {table}, and
-- {function}, which logs its changes.
--
-- Runs in a transaction of its own. CREATE TRIGGER waits for the transactions that are
-- writing to the table, so none is left that does not log. No column is named, so that
-- an upgrade of Synapse can change them.

CREATE TRIGGER media_stats_change AFTER INSERT OR UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {function}();
CREATE TRIGGER media_stats_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER media_stats_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
