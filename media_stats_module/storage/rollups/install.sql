-- All that rollups add to a database, but for the two indexes of media by time.
--
-- Runs in one transaction whose search_path is the schema of Synapse's tables.
-- VERSION in status.py counts up with every change of this file or of triggers.sql.

-- The state of the totals of each source of media.
CREATE TABLE media_stats_state (
    source TEXT NOT NULL,       -- 'local' or 'remote'
    fingerprint TEXT NOT NULL,  -- the media table and the options they belong to
    is_built BOOLEAN NOT NULL,  -- the totals and the change log are complete
    owners BIGINT NOT NULL,     -- the number of rows in media_stats_owners
    build_started_ts BIGINT,
    build_finished_ts BIGINT,
    checked_ts BIGINT,
    differences BIGINT,         -- wrong totals that the last check found
    -- A second row of a source comes from a dump of another database, with its totals.
    PRIMARY KEY (source, fingerprint)
);

-- Totals that are loaded from a dump do not answer: the triggers may have logged the
-- media that was loaded with them.
CREATE FUNCTION media_stats_distrust() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.is_built := FALSE;
    RETURN NEW;
END
$$;
CREATE TRIGGER media_stats_distrust BEFORE INSERT ON media_stats_state
    FOR EACH ROW EXECUTE FUNCTION media_stats_distrust();

-- Totals per user or remote server. A page is read from an index alone.
CREATE TABLE media_stats_owners (
    source TEXT NOT NULL,
    owner TEXT NOT NULL,
    media_count BIGINT NOT NULL,
    media_length BIGINT NOT NULL,
    PRIMARY KEY (source, owner) INCLUDE (media_count, media_length)
);
CREATE INDEX media_stats_owners_by_count
    ON media_stats_owners (source, media_count DESC, owner, media_length);
CREATE INDEX media_stats_owners_by_length
    ON media_stats_owners (source, media_length DESC, owner, media_count);

-- Totals per day, in days since the epoch, UTC.
CREATE TABLE media_stats_days (
    source TEXT NOT NULL,
    day BIGINT NOT NULL,
    media_count BIGINT NOT NULL,
    media_length BIGINT NOT NULL,
    PRIMARY KEY (source, day)
);

-- Totals per kind. media_group is that of the media type, or 'thumbnail', or 'pending'
-- for an upload that has no content yet.
CREATE TABLE media_stats_kinds (
    source TEXT NOT NULL,
    media_group TEXT NOT NULL,
    is_owned BOOLEAN NOT NULL,
    is_url_preview BOOLEAN NOT NULL,
    is_quarantined BOOLEAN NOT NULL,
    is_protected BOOLEAN NOT NULL,
    media_count BIGINT NOT NULL,
    media_length BIGINT NOT NULL,
    PRIMARY KEY (
        source, media_group, is_owned, is_url_preview, is_quarantined, is_protected
    )
);

-- The change log: what came (positive) or went (negative) and is not in the totals. A
-- change counts for each of owner, day and media_group that is not NULL.
CREATE TABLE media_stats_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source TEXT NOT NULL,
    owner TEXT,
    day BIGINT,
    media_group TEXT,
    is_owned BOOLEAN,
    is_url_preview BOOLEAN,
    is_quarantined BOOLEAN,
    is_protected BOOLEAN,
    media_count BIGINT NOT NULL,
    media_length BIGINT NOT NULL
);

-- A row says that a change could not be logged, so that the totals must be rebuilt. A
-- table of its own: it stays writable while the change log is locked.
CREATE TABLE media_stats_missed (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source TEXT NOT NULL
);

-- 1 while nothing is logged, because more than a million changes wait to be applied; 2
-- while changes are logged again, but a transaction that did not log may still run; else
-- 0. A sequence: every transaction sees its value at once, whatever its snapshot.
CREATE SEQUENCE media_stats_log_is_full MINVALUE 0 START 0;

-- The group of a media type as the uploader gave it, such as 'Image/PNG; q=1', or
-- 'pending' without a length. Synapse serves a file without a type as
-- application/octet-stream.
CREATE FUNCTION media_stats_group(media_type TEXT, media_length BIGINT) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN media_length IS NULL THEN 'pending'
        ELSE CASE lower(ltrim(left(media_type, strpos(media_type, '/'))))
            WHEN 'application/' THEN 'application'
            WHEN 'audio/' THEN 'audio'
            WHEN 'image/' THEN 'image'
            WHEN 'text/' THEN 'text'
            WHEN 'video/' THEN 'video'
            ELSE CASE COALESCE(trim(split_part(media_type, ';', 1)), '')
                WHEN '' THEN 'application'
                ELSE 'other'
            END
        END
    END
$$;

-- The UTC day of a time in milliseconds since the epoch, rounded down.
CREATE FUNCTION media_stats_day(ts BIGINT) RETURNS BIGINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT COALESCE(ts, 0) / 86400000
        - CASE WHEN mod(COALESCE(ts, 0), 86400000) < 0 THEN 1 ELSE 0 END
$$;

-- Ends logging if nobody applies the change log any more. Looks when the number of rows
-- passes a multiple of 1,000; those that log one row call it only then.
CREATE FUNCTION media_stats_bound_log(logged BIGINT) RETURNS VOID
LANGUAGE plpgsql
AS $$
BEGIN
    IF logged > 0 AND mod(lastval(), 1000) < logged
        AND (SELECT max(id) - min(id) FROM media_stats_changes) > 1000000
    THEN
        PERFORM setval('media_stats_log_is_full', 1);
    END IF;
END
$$;

-- Logs that a file came (1) or went (-1). The owner is NULL where it counts for nobody,
-- and the length of a pending upload is NULL.
CREATE FUNCTION media_stats_log(
    sign INTEGER, source TEXT, owner TEXT, media_length BIGINT, created_ts BIGINT,
    media_type TEXT, is_owned BOOLEAN, is_url_preview BOOLEAN, is_quarantined BOOLEAN,
    is_protected BOOLEAN
) RETURNS BOOLEAN
LANGUAGE plpgsql
AS $$
BEGIN
    IF pg_sequence_last_value('media_stats_log_is_full') = 1 THEN
        RETURN FALSE;
    END IF;
    INSERT INTO media_stats_changes (
        source, owner, day, media_group, is_owned, is_url_preview, is_quarantined,
        is_protected, media_count, media_length
    )
    VALUES (
        source, owner, CASE WHEN owner IS NOT NULL THEN media_stats_day(created_ts) END,
        media_stats_group(media_type, media_length), is_owned, is_url_preview,
        is_quarantined, is_protected, sign, sign * COALESCE(media_length, 0)
    );
    IF mod(lastval(), 1000) = 0 THEN
        PERFORM media_stats_bound_log(1);
    END IF;
    RETURN TRUE;
END
$$;

-- The trigger functions. They run as the owner of the tables, so it does not matter who
-- writes. So that nobody else can run them with rows of his own, install.py revokes what
-- PUBLIC may do, and each does nothing for other tables than Synapse's. INSERT and UPDATE fire once per row; an UPDATE logs the old row as gone and the
-- new one as come, and one of last_access_ts ends before the block that catches errors.
-- DELETE fires once per statement, so that a bulk delete costs one transaction ID. An
-- error never reaches the upload: the change is missed, and the totals are rebuilt.

-- INSERT and UPDATE of local media. Argument: whether URL previews count.
CREATE FUNCTION media_stats_log_local() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET lock_timeout = '100ms'
AS $$
DECLARE
    previews_count CONSTANT BOOLEAN := TG_ARGV[0];
    logged BOOLEAN;
BEGIN
    IF TG_RELID IS DISTINCT FROM to_regclass('local_media_repository') THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND (
        OLD.user_id, OLD.media_length, OLD.created_ts, OLD.media_type, OLD.url_cache,
        OLD.quarantined_by, OLD.safe_from_quarantine
    ) IS NOT DISTINCT FROM (
        NEW.user_id, NEW.media_length, NEW.created_ts, NEW.media_type, NEW.url_cache,
        NEW.quarantined_by, NEW.safe_from_quarantine
    ) THEN
        RETURN NULL;
    END IF;
    BEGIN
        -- Assigned, as PERFORM would cost a third more.
        IF TG_OP = 'UPDATE' THEN
            logged := media_stats_log(
                -1, 'local',
                CASE WHEN OLD.media_length IS NOT NULL
                    AND (OLD.url_cache IS NULL OR previews_count) THEN OLD.user_id END,
                OLD.media_length, OLD.created_ts, OLD.media_type,
                OLD.user_id IS NOT NULL, OLD.url_cache IS NOT NULL,
                OLD.quarantined_by IS NOT NULL, OLD.safe_from_quarantine
            );
        END IF;
        logged := media_stats_log(
            1, 'local',
            CASE WHEN NEW.media_length IS NOT NULL
                AND (NEW.url_cache IS NULL OR previews_count) THEN NEW.user_id END,
            NEW.media_length, NEW.created_ts, NEW.media_type,
            NEW.user_id IS NOT NULL, NEW.url_cache IS NOT NULL,
            NEW.quarantined_by IS NOT NULL, NEW.safe_from_quarantine
        );
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
        BEGIN
            INSERT INTO media_stats_missed (source) VALUES ('local');
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
        END;
    END;
    RETURN NULL;
END
$$;

-- DELETE of local media. Argument: whether URL previews count. Logs a change per owner,
-- per day and per kind.
CREATE FUNCTION media_stats_log_local_delete() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET lock_timeout = '100ms'
AS $$
DECLARE
    previews_count CONSTANT BOOLEAN := TG_ARGV[0];
    logged BIGINT;
BEGIN
    IF TG_RELID IS DISTINCT FROM to_regclass('local_media_repository') THEN
        RETURN NULL;
    END IF;
    IF pg_sequence_last_value('media_stats_log_is_full') = 1 THEN
        RETURN NULL;
    END IF;
    INSERT INTO media_stats_changes (
        source, owner, day, media_group, is_owned, is_url_preview, is_quarantined,
        is_protected, media_count, media_length
    )
    SELECT 'local', owner, day, media_group, is_owned, is_url_preview, is_quarantined,
        is_protected, -COUNT(*), -SUM(COALESCE(media_length, 0))
    FROM (
        SELECT
            CASE WHEN is_counted THEN user_id END AS owner,
            CASE WHEN is_counted THEN media_stats_day(created_ts) END AS day,
            media_stats_group(media_type, media_length) AS media_group,
            user_id IS NOT NULL AS is_owned,
            url_cache IS NOT NULL AS is_url_preview,
            quarantined_by IS NOT NULL AS is_quarantined,
            safe_from_quarantine AS is_protected,
            media_length
        FROM (
            SELECT *, user_id IS NOT NULL AND media_length IS NOT NULL
                AND (url_cache IS NULL OR previews_count) AS is_counted
            FROM old_rows
        ) AS m
    ) AS gone
    GROUP BY GROUPING SETS (
        (owner),
        (day),
        (media_group, is_owned, is_url_preview, is_quarantined, is_protected)
    )
    HAVING owner IS NOT NULL OR day IS NOT NULL OR media_group IS NOT NULL;
    GET DIAGNOSTICS logged = ROW_COUNT;
    PERFORM media_stats_bound_log(logged);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
    BEGIN
        INSERT INTO media_stats_missed (source) VALUES ('local');
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
    END;
    RETURN NULL;
END
$$;

-- INSERT and UPDATE of remote media.
CREATE FUNCTION media_stats_log_remote() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET lock_timeout = '100ms'
AS $$
DECLARE
    logged BOOLEAN;
BEGIN
    IF TG_RELID IS DISTINCT FROM to_regclass('remote_media_cache') THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND (
        OLD.media_origin, OLD.media_length, OLD.created_ts, OLD.media_type,
        OLD.quarantined_by
    ) IS NOT DISTINCT FROM (
        NEW.media_origin, NEW.media_length, NEW.created_ts, NEW.media_type,
        NEW.quarantined_by
    ) THEN
        RETURN NULL;
    END IF;
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            logged := media_stats_log(
                -1, 'remote',
                CASE WHEN OLD.media_length IS NOT NULL THEN OLD.media_origin END,
                OLD.media_length, OLD.created_ts, OLD.media_type,
                OLD.media_origin IS NOT NULL, FALSE, OLD.quarantined_by IS NOT NULL, FALSE
            );
        END IF;
        logged := media_stats_log(
            1, 'remote',
            CASE WHEN NEW.media_length IS NOT NULL THEN NEW.media_origin END,
            NEW.media_length, NEW.created_ts, NEW.media_type,
            NEW.media_origin IS NOT NULL, FALSE, NEW.quarantined_by IS NOT NULL, FALSE
        );
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
        BEGIN
            INSERT INTO media_stats_missed (source) VALUES ('remote');
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
        END;
    END;
    RETURN NULL;
END
$$;

-- DELETE of remote media. Logs a change per owner, per day and per kind.
CREATE FUNCTION media_stats_log_remote_delete() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET lock_timeout = '100ms'
AS $$
DECLARE
    logged BIGINT;
BEGIN
    IF TG_RELID IS DISTINCT FROM to_regclass('remote_media_cache') THEN
        RETURN NULL;
    END IF;
    IF pg_sequence_last_value('media_stats_log_is_full') = 1 THEN
        RETURN NULL;
    END IF;
    INSERT INTO media_stats_changes (
        source, owner, day, media_group, is_owned, is_url_preview, is_quarantined,
        is_protected, media_count, media_length
    )
    SELECT 'remote', owner, day, media_group, is_owned, FALSE, is_quarantined, FALSE,
        -COUNT(*), -SUM(COALESCE(media_length, 0))
    FROM (
        SELECT
            CASE WHEN is_counted THEN media_origin END AS owner,
            CASE WHEN is_counted THEN media_stats_day(created_ts) END AS day,
            media_stats_group(media_type, media_length) AS media_group,
            media_origin IS NOT NULL AS is_owned,
            quarantined_by IS NOT NULL AS is_quarantined,
            media_length
        FROM (
            SELECT *, media_origin IS NOT NULL AND media_length IS NOT NULL AS is_counted
            FROM old_rows
        ) AS m
    ) AS gone
    GROUP BY GROUPING SETS ((owner), (day), (media_group, is_owned, is_quarantined))
    HAVING owner IS NOT NULL OR day IS NOT NULL OR media_group IS NOT NULL;
    GET DIAGNOSTICS logged = ROW_COUNT;
    PERFORM media_stats_bound_log(logged);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
    BEGIN
        INSERT INTO media_stats_missed (source) VALUES ('remote');
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
    END;
    RETURN NULL;
END
$$;

-- INSERT and UPDATE of thumbnails. Argument: the source.
CREATE FUNCTION media_stats_log_thumbnails() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET lock_timeout = '100ms'
AS $$
BEGIN
    IF TG_RELID IS DISTINCT FROM to_regclass('local_media_repository_thumbnails')
        AND TG_RELID IS DISTINCT FROM to_regclass('remote_media_cache_thumbnails')
    THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE'
        AND OLD.thumbnail_length IS NOT DISTINCT FROM NEW.thumbnail_length
    THEN
        RETURN NULL;
    END IF;
    BEGIN
        IF pg_sequence_last_value('media_stats_log_is_full') = 1 THEN
            RETURN NULL;
        END IF;
        INSERT INTO media_stats_changes (
            source, media_group, is_owned, is_url_preview, is_quarantined, is_protected,
            media_count, media_length
        )
        VALUES (
            TG_ARGV[0], 'thumbnail', FALSE, FALSE, FALSE, FALSE,
            CASE TG_OP WHEN 'INSERT' THEN 1 ELSE 0 END,
            COALESCE(NEW.thumbnail_length, 0) - COALESCE(OLD.thumbnail_length, 0)
        );
        IF mod(lastval(), 1000) = 0 THEN
            PERFORM media_stats_bound_log(1);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
        BEGIN
            INSERT INTO media_stats_missed (source) VALUES (TG_ARGV[0]);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
        END;
    END;
    RETURN NULL;
END
$$;

-- DELETE of thumbnails. Argument: the source.
CREATE FUNCTION media_stats_log_thumbnails_delete() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET lock_timeout = '100ms'
AS $$
DECLARE
    logged BIGINT;
BEGIN
    IF TG_RELID IS DISTINCT FROM to_regclass('local_media_repository_thumbnails')
        AND TG_RELID IS DISTINCT FROM to_regclass('remote_media_cache_thumbnails')
    THEN
        RETURN NULL;
    END IF;
    IF pg_sequence_last_value('media_stats_log_is_full') = 1 THEN
        RETURN NULL;
    END IF;
    INSERT INTO media_stats_changes (
        source, media_group, is_owned, is_url_preview, is_quarantined, is_protected,
        media_count, media_length
    )
    SELECT TG_ARGV[0], 'thumbnail', FALSE, FALSE, FALSE, FALSE,
        -COUNT(*), -SUM(COALESCE(thumbnail_length, 0))
    FROM old_rows
    HAVING COUNT(*) > 0;
    GET DIAGNOSTICS logged = ROW_COUNT;
    PERFORM media_stats_bound_log(logged);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
    BEGIN
        INSERT INTO media_stats_missed (source) VALUES (TG_ARGV[0]);
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
    END;
    RETURN NULL;
END
$$;

-- TRUNCATE of one of the four tables. Argument: the source.
CREATE FUNCTION media_stats_log_truncate() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET lock_timeout = '100ms'
AS $$
BEGIN
    IF TG_RELID IS DISTINCT FROM to_regclass('local_media_repository')
        AND TG_RELID IS DISTINCT FROM to_regclass('local_media_repository_thumbnails')
        AND TG_RELID IS DISTINCT FROM to_regclass('remote_media_cache')
        AND TG_RELID IS DISTINCT FROM to_regclass('remote_media_cache_thumbnails')
    THEN
        RETURN NULL;
    END IF;
    INSERT INTO media_stats_missed (source) VALUES (TG_ARGV[0]);
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = 'media_stats: TRUNCATE not noted: ' || SQLERRM;
    RETURN NULL;
END
$$;
