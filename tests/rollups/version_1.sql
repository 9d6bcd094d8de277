-- What version 1 of rollups added to a database. Of the functions, only the beginnings.
CREATE TABLE media_stats_state (
    source TEXT NOT NULL, fingerprint TEXT NOT NULL, is_built BOOLEAN NOT NULL,
    owners BIGINT NOT NULL, build_started_ts BIGINT, build_finished_ts BIGINT,
    checked_ts BIGINT, differences BIGINT, PRIMARY KEY (source, fingerprint)
);
CREATE FUNCTION media_stats_distrust() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    NEW.is_built := FALSE;
    RETURN NEW;
END
$$;
CREATE TRIGGER media_stats_distrust BEFORE INSERT ON media_stats_state
    FOR EACH ROW EXECUTE FUNCTION media_stats_distrust();
CREATE TABLE media_stats_owners (
    source TEXT NOT NULL, owner TEXT NOT NULL, media_count BIGINT NOT NULL,
    media_length BIGINT NOT NULL,
    PRIMARY KEY (source, owner) INCLUDE (media_count, media_length)
);
CREATE TABLE media_stats_days (
    source TEXT NOT NULL, day BIGINT NOT NULL, media_count BIGINT NOT NULL,
    media_length BIGINT NOT NULL, PRIMARY KEY (source, day)
);
CREATE TABLE media_stats_kinds (
    source TEXT NOT NULL, media_group TEXT NOT NULL, is_owned BOOLEAN NOT NULL,
    is_url_preview BOOLEAN NOT NULL, is_quarantined BOOLEAN NOT NULL,
    is_protected BOOLEAN NOT NULL, media_count BIGINT NOT NULL,
    media_length BIGINT NOT NULL
);
CREATE TABLE media_stats_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source TEXT NOT NULL, owner TEXT,
    day BIGINT, media_group TEXT, is_owned BOOLEAN, is_url_preview BOOLEAN,
    is_quarantined BOOLEAN, is_protected BOOLEAN, media_count BIGINT NOT NULL,
    media_length BIGINT NOT NULL
);
CREATE TABLE media_stats_missed (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source TEXT NOT NULL
);
CREATE SEQUENCE media_stats_log_is_full MINVALUE 0 START 0;
CREATE FUNCTION media_stats_group(media_type TEXT, media_length BIGINT) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS $$ SELECT split_part(media_type, '/', 1) $$;
CREATE FUNCTION media_stats_day(ts BIGINT) RETURNS BIGINT
LANGUAGE sql IMMUTABLE AS $$ SELECT COALESCE(ts, 0) / 86400000 $$;
CREATE FUNCTION media_stats_bound_log(logged BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    PERFORM (SELECT max(id) - min(id) FROM media_stats_changes);
END
$$;
CREATE FUNCTION media_stats_log(
    sign INTEGER, source TEXT, owner TEXT, media_length BIGINT, created_ts BIGINT,
    media_type TEXT, is_owned BOOLEAN, is_url_preview BOOLEAN, is_quarantined BOOLEAN,
    is_protected BOOLEAN
) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO media_stats_changes (source, media_count, media_length)
    VALUES (source, sign, sign * COALESCE(media_length, 0));
    RETURN TRUE;
END
$$;
DO $do$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'local', 'local_delete', 'remote', 'remote_delete', 'thumbnails',
        'thumbnails_delete', 'truncate'
    ] LOOP
        EXECUTE format($$
            CREATE FUNCTION media_stats_log_%s() RETURNS TRIGGER
            LANGUAGE plpgsql SECURITY DEFINER
            SET search_path FROM CURRENT SET lock_timeout = '100ms'
            AS 'BEGIN
                INSERT INTO media_stats_missed (source) VALUES (''local'');
                RETURN NULL;
            END'
        $$, name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY[
        'local_media_repository', 'local_media_repository_thumbnails',
        'remote_media_cache', 'remote_media_cache_thumbnails'
    ] LOOP
        EXECUTE format($$
            CREATE TRIGGER media_stats_change AFTER INSERT OR UPDATE ON %1$s
                FOR EACH ROW EXECUTE FUNCTION media_stats_log_local('true');
            CREATE TRIGGER media_stats_delete AFTER DELETE ON %1$s
                REFERENCING OLD TABLE AS old_rows
                FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_local_delete('true');
            CREATE TRIGGER media_stats_truncate AFTER TRUNCATE ON %1$s
                FOR EACH STATEMENT EXECUTE FUNCTION media_stats_log_truncate('local');
        $$, name);
    END LOOP;
END
$do$;
