-- The triggers on Synapse's four media tables, three each. {previews} is true where URL
-- previews count as uploads of a user.
--
-- Runs once per table, in a transaction of its own. CREATE TRIGGER waits for the
-- transactions that are writing to the table, so none is left that does not log. No
-- column is named, so that an upgrade of Synapse can change them.

-- table local_media_repository
CREATE TRIGGER media_stats_change AFTER INSERT OR UPDATE ON local_media_repository
    FOR EACH ROW EXECUTE FUNCTION media_stats_log_local('{previews}');
CREATE TRIGGER media_stats_delete AFTER DELETE ON local_media_repository
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_local_delete('{previews}');
CREATE TRIGGER media_stats_truncate AFTER TRUNCATE ON local_media_repository
    FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_truncate('local');

-- table local_media_repository_thumbnails
CREATE TRIGGER media_stats_change
    AFTER INSERT OR UPDATE ON local_media_repository_thumbnails
    FOR EACH ROW EXECUTE FUNCTION media_stats_log_thumbnails('local');
CREATE TRIGGER media_stats_delete AFTER DELETE ON local_media_repository_thumbnails
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_thumbnails_delete('local');
CREATE TRIGGER media_stats_truncate AFTER TRUNCATE ON local_media_repository_thumbnails
    FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_truncate('local');

-- table remote_media_cache
CREATE TRIGGER media_stats_change AFTER INSERT OR UPDATE ON remote_media_cache
    FOR EACH ROW EXECUTE FUNCTION media_stats_log_remote();
CREATE TRIGGER media_stats_delete AFTER DELETE ON remote_media_cache
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_remote_delete();
CREATE TRIGGER media_stats_truncate AFTER TRUNCATE ON remote_media_cache
    FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_truncate('remote');

-- table remote_media_cache_thumbnails
CREATE TRIGGER media_stats_change
    AFTER INSERT OR UPDATE ON remote_media_cache_thumbnails
    FOR EACH ROW EXECUTE FUNCTION media_stats_log_thumbnails('remote');
CREATE TRIGGER media_stats_delete AFTER DELETE ON remote_media_cache_thumbnails
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_thumbnails_delete('remote');
CREATE TRIGGER media_stats_truncate AFTER TRUNCATE ON remote_media_cache_thumbnails
    FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_truncate('remote');
