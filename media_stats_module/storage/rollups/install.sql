-- All objects that rollups add to a database, except the triggers (triggers.sql) and the
-- two indexes of media by time.
--
-- install.py fills in {schema}, the schema of Synapse's tables, {mark}, which names the
-- version, and {previews}, whether URL previews count as uploads of a user.
--
-- Who may do what: only the owner, Synapse's role, may write tables, use sequences and
-- execute functions. Roles that have SELECT by default privileges, such as those for
-- backups, may read tables and sequences. install.py revokes all other rights in the same
-- transaction. A role that may write media needs no right: it fires the triggers.
--
-- The mark is the name of a constraint of each table, the unusual MAXVALUE of each
-- sequence, and a line in each function: dumps keep all of these. Increase VERSION in
-- status.py with every change of this file or of triggers.sql.

-- The state of the totals of each source of media.
CREATE TABLE {schema}.media_stats_state (
    source TEXT NOT NULL CONSTRAINT {mark} CHECK (source IN ('local', 'remote')),
    fingerprint TEXT NOT NULL,  -- the media table and the options they belong to
    -- The totals and the change log are complete while the sequence media_stats_missed_*
    -- has this value. NULL before the totals are built.
    missed BIGINT,
    -- Altering a media table can change its values, and disabled triggers log nothing.
    -- So the totals answer while the media tables and triggers are defined as they were
    -- when the totals were built.
    definitions TEXT,
    owners BIGINT NOT NULL,     -- the number of rows in media_stats_owners
    build_started_ts BIGINT,
    build_finished_ts BIGINT,
    checked_ts BIGINT,
    differences BIGINT,         -- wrong totals that the last check found
    -- A dump of another database can add a second row of a source, with its totals.
    PRIMARY KEY (source, fingerprint)
);

-- Totals from a dump do not answer, not even if the state is there already: the triggers
-- may have logged the media that was loaded with them. Runs with the rights of the role
-- that inserts the row.
CREATE FUNCTION {schema}.media_stats_distrust() RETURNS TRIGGER
LANGUAGE plpgsql
AS $media_stats$
-- {mark} {schema}
BEGIN
    UPDATE {schema}.media_stats_state SET missed = NULL
    WHERE source = NEW.source AND fingerprint = NEW.fingerprint;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    NEW.missed := NULL;
    RETURN NEW;
END
$media_stats$;
CREATE TRIGGER media_stats_distrust BEFORE INSERT ON {schema}.media_stats_state
    FOR EACH ROW EXECUTE FUNCTION {schema}.media_stats_distrust();

-- Totals per user or remote server. An index alone serves a page. NUMERIC, because sums
-- of lengths can exceed 64 bits.
CREATE TABLE {schema}.media_stats_owners (
    source TEXT NOT NULL CONSTRAINT {mark} CHECK (source IN ('local', 'remote')),
    owner TEXT NOT NULL,
    media_count BIGINT NOT NULL,
    media_length NUMERIC NOT NULL,
    PRIMARY KEY (source, owner) INCLUDE (media_count, media_length)
);
CREATE INDEX media_stats_owners_by_count ON {schema}.media_stats_owners
    (source, media_count DESC, owner, media_length);
CREATE INDEX media_stats_owners_by_length ON {schema}.media_stats_owners
    (source, media_length DESC, owner, media_count);

-- Totals per day, in days since the epoch, UTC.
CREATE TABLE {schema}.media_stats_days (
    source TEXT NOT NULL CONSTRAINT {mark} CHECK (source IN ('local', 'remote')),
    day BIGINT NOT NULL,
    media_count BIGINT NOT NULL,
    media_length NUMERIC NOT NULL,
    PRIMARY KEY (source, day)
);

-- Totals per kind. media_group is that of the media type, or 'thumbnail', or 'pending'
-- for an upload that has no content yet.
CREATE TABLE {schema}.media_stats_kinds (
    source TEXT NOT NULL CONSTRAINT {mark} CHECK (source IN ('local', 'remote')),
    media_group TEXT NOT NULL,
    is_owned BOOLEAN NOT NULL,
    is_url_preview BOOLEAN NOT NULL,
    is_quarantined BOOLEAN NOT NULL,
    is_protected BOOLEAN NOT NULL,
    media_count BIGINT NOT NULL,
    media_length NUMERIC NOT NULL,
    PRIMARY KEY (
        source, media_group, is_owned, is_url_preview, is_quarantined, is_protected
    )
);

-- The change log: files and bytes added (positive) or removed (negative) that are not in
-- the totals yet. A change counts for each of owner, day and media_group that is not
-- NULL.
CREATE SEQUENCE {schema}.media_stats_change_id MAXVALUE 4611686018427387904;
CREATE TABLE {schema}.media_stats_changes (
    id BIGINT PRIMARY KEY
        DEFAULT nextval(CAST('{schema}.media_stats_change_id' AS REGCLASS)),
    source TEXT NOT NULL CONSTRAINT {mark} CHECK (source IN ('local', 'remote')),
    owner TEXT,
    day BIGINT,
    media_group TEXT,
    is_owned BOOLEAN,
    is_url_preview BOOLEAN,
    is_quarantined BOOLEAN,
    is_protected BOOLEAN,
    media_count BIGINT NOT NULL,
    media_length NUMERIC NOT NULL
);
ALTER SEQUENCE {schema}.media_stats_change_id OWNED BY {schema}.media_stats_changes.id;

-- From this ID on, triggers log nothing. The background work raises it, so the log stops
-- growing if nobody applies it any more. Triggers set it to 0 if somebody locks the log.
CREATE SEQUENCE {schema}.media_stats_log_limit MAXVALUE 4611686018427387904;
ALTER SEQUENCE {schema}.media_stats_log_limit OWNED BY {schema}.media_stats_changes.id;

-- Triggers count the changes that they cannot log: the totals must be rebuilt. They count
-- with sequences, because LOCK TABLE and ROLLBACK do not affect these, and because every
-- transaction sees their value at once, whatever its snapshot.
CREATE SEQUENCE {schema}.media_stats_missed_local MAXVALUE 4611686018427387904;
CREATE SEQUENCE {schema}.media_stats_missed_remote MAXVALUE 4611686018427387904;
ALTER SEQUENCE {schema}.media_stats_missed_local
    OWNED BY {schema}.media_stats_state.missed;
ALTER SEQUENCE {schema}.media_stats_missed_remote
    OWNED BY {schema}.media_stats_state.missed;

-- The group of a media type as the uploader gave it, such as 'Image/PNG; q=1', or
-- 'pending' without a length. Synapse serves a file without a type as
-- application/octet-stream. Only our trigger functions execute this.
CREATE FUNCTION {schema}.media_stats_group(media_type TEXT, media_length NUMERIC)
RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $media_stats$
    -- {mark} {schema}
    SELECT CASE
        WHEN media_length IS NULL THEN 'pending'
        ELSE CASE
            lower(ltrim(left(media_type, strpos(media_type, '/'))) COLLATE "C")
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
$media_stats$;

-- The UTC day of a time in milliseconds since the epoch, rounded down. Only our trigger
-- functions execute this.
CREATE FUNCTION {schema}.media_stats_day(ts BIGINT) RETURNS BIGINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $media_stats$
    -- {mark} {schema}
    SELECT COALESCE(ts, 0) / 86400000
        - CASE WHEN mod(COALESCE(ts, 0), 86400000) < 0 THEN 1 ELSE 0 END
$media_stats$;

-- The trigger functions, one for local media, one for remote media, one for thumbnails.
--
-- They run with the rights of their owner, so any role can write media. To be safe, they
-- look up names only in pg_catalog, where nobody else can create a function or an
-- operator, and ignore all tables but Synapse's.
--
-- INSERT and UPDATE fire once per row; an UPDATE logs the old row as removed and the new
-- one as added. DELETE fires once per statement, so that a bulk delete costs one
-- transaction ID; it logs a change per owner, per day and per kind.
--
-- An error never reaches the upload: the change counts as missed. Each function has its
-- own block that catches errors, because a shared helper function might be missing.
--
-- PL/pgSQL caches the types of OLD and NEW in an expression for the session. With the
-- table's name in the same expression, it reads them again after an ALTER TABLE.

CREATE FUNCTION {schema}.media_stats_log_local() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms'
AS $media_stats$
-- {mark} {schema}
BEGIN
    IF TG_RELID <> CAST('{schema}.local_media_repository' AS REGCLASS) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE'
        AND TG_RELID = CAST('{schema}.local_media_repository' AS REGCLASS)
        AND (
            OLD.user_id, OLD.media_length, OLD.created_ts, OLD.media_type, OLD.url_cache,
            OLD.quarantined_by, OLD.safe_from_quarantine
        ) IS NOT DISTINCT FROM (
            NEW.user_id, NEW.media_length, NEW.created_ts, NEW.media_type, NEW.url_cache,
            NEW.quarantined_by, NEW.safe_from_quarantine
        )
    THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE {schema}.media_stats_state SET missed = NULL WHERE source = 'local';
    ELSIF COALESCE(pg_sequence_last_value('{schema}.media_stats_change_id'), 0)
        >= COALESCE(pg_sequence_last_value('{schema}.media_stats_log_limit'), 0)
    THEN
        PERFORM nextval('{schema}.media_stats_missed_local');
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {schema}.media_stats_changes (
            source, owner, day, media_group, is_owned, is_url_preview, is_quarantined,
            is_protected, media_count, media_length
        )
        SELECT 'local', owner, day, media_group, is_owned, is_url_preview, is_quarantined,
            is_protected, -COUNT(*), -SUM(media_length)
        FROM (
            SELECT
                CASE WHEN is_counted THEN CAST(user_id AS TEXT) END AS owner,
                CASE WHEN is_counted
                    THEN {schema}.media_stats_day(CAST(created_ts AS BIGINT)) END AS day,
                {schema}.media_stats_group(
                    CAST(media_type AS TEXT), CAST(media_length AS NUMERIC)
                ) AS media_group,
                user_id IS NOT NULL AS is_owned,
                url_cache IS NOT NULL AS is_url_preview,
                quarantined_by IS NOT NULL AS is_quarantined,
                CAST(safe_from_quarantine AS BOOLEAN) IS TRUE AS is_protected,
                CAST(COALESCE(media_length, 0) AS NUMERIC) AS media_length
            FROM (
                SELECT user_id, media_length, created_ts, media_type, url_cache,
                    quarantined_by, safe_from_quarantine,
                    user_id IS NOT NULL AND media_length IS NOT NULL
                        AND (url_cache IS NULL OR {previews}) AS is_counted
                FROM old_rows
            ) AS m
        ) AS gone
        GROUP BY GROUPING SETS (
            (owner),
            (day),
            (media_group, is_owned, is_url_preview, is_quarantined, is_protected)
        )
        HAVING owner IS NOT NULL OR day IS NOT NULL OR media_group IS NOT NULL;
    ELSE
        -- In an INSERT, OLD exists, and has no values.
        INSERT INTO {schema}.media_stats_changes (
            source, owner, day, media_group, is_owned, is_url_preview, is_quarantined,
            is_protected, media_count, media_length
        )
        SELECT 'local',
            CASE WHEN is_counted THEN owner END,
            CASE WHEN is_counted THEN {schema}.media_stats_day(created_ts) END,
            {schema}.media_stats_group(media_type, media_length),
            owner IS NOT NULL, is_url_preview, is_quarantined, is_protected,
            sign, sign * COALESCE(media_length, 0)
        FROM (
            SELECT *, owner IS NOT NULL AND media_length IS NOT NULL
                AND (NOT is_url_preview OR {previews}) AS is_counted
            FROM (VALUES (
                -1, CAST(OLD.user_id AS TEXT), CAST(OLD.media_length AS NUMERIC),
                CAST(OLD.created_ts AS BIGINT), CAST(OLD.media_type AS TEXT),
                OLD.url_cache IS NOT NULL, OLD.quarantined_by IS NOT NULL,
                CAST(OLD.safe_from_quarantine AS BOOLEAN) IS TRUE
            ), (
                1, CAST(NEW.user_id AS TEXT), CAST(NEW.media_length AS NUMERIC),
                CAST(NEW.created_ts AS BIGINT), CAST(NEW.media_type AS TEXT),
                NEW.url_cache IS NOT NULL, NEW.quarantined_by IS NOT NULL,
                CAST(NEW.safe_from_quarantine AS BOOLEAN) IS TRUE
            )) AS media (
                sign, owner, media_length, created_ts, media_type, is_url_preview,
                is_quarantined, is_protected
            )
            WHERE (sign > 0 OR TG_OP = 'UPDATE')
                AND TG_RELID = CAST('{schema}.local_media_repository' AS REGCLASS)
        ) AS m;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
    BEGIN
        PERFORM nextval('{schema}.media_stats_missed_local');
        IF SQLSTATE = '55P03' THEN  -- The log is locked: the next row must not wait.
            PERFORM setval('{schema}.media_stats_log_limit', 1, FALSE);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
    END;
    RETURN NULL;
END
$media_stats$;

CREATE FUNCTION {schema}.media_stats_log_remote() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms'
AS $media_stats$
-- {mark} {schema}
BEGIN
    IF TG_RELID <> CAST('{schema}.remote_media_cache' AS REGCLASS) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE'
        AND TG_RELID = CAST('{schema}.remote_media_cache' AS REGCLASS)
        AND (
            OLD.media_origin, OLD.media_length, OLD.created_ts, OLD.media_type,
            OLD.quarantined_by
        ) IS NOT DISTINCT FROM (
            NEW.media_origin, NEW.media_length, NEW.created_ts, NEW.media_type,
            NEW.quarantined_by
        )
    THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE {schema}.media_stats_state SET missed = NULL WHERE source = 'remote';
    ELSIF COALESCE(pg_sequence_last_value('{schema}.media_stats_change_id'), 0)
        >= COALESCE(pg_sequence_last_value('{schema}.media_stats_log_limit'), 0)
    THEN
        PERFORM nextval('{schema}.media_stats_missed_remote');
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {schema}.media_stats_changes (
            source, owner, day, media_group, is_owned, is_url_preview, is_quarantined,
            is_protected, media_count, media_length
        )
        SELECT 'remote', owner, day, media_group, is_owned, FALSE, is_quarantined, FALSE,
            -COUNT(*), -SUM(media_length)
        FROM (
            SELECT
                CASE WHEN is_counted THEN CAST(media_origin AS TEXT) END AS owner,
                CASE WHEN is_counted
                    THEN {schema}.media_stats_day(CAST(created_ts AS BIGINT)) END AS day,
                {schema}.media_stats_group(
                    CAST(media_type AS TEXT), CAST(media_length AS NUMERIC)
                ) AS media_group,
                media_origin IS NOT NULL AS is_owned,
                quarantined_by IS NOT NULL AS is_quarantined,
                CAST(COALESCE(media_length, 0) AS NUMERIC) AS media_length
            FROM (
                SELECT media_origin, media_length, created_ts, media_type,
                    quarantined_by,
                    media_origin IS NOT NULL AND media_length IS NOT NULL AS is_counted
                FROM old_rows
            ) AS m
        ) AS gone
        GROUP BY GROUPING SETS ((owner), (day), (media_group, is_owned, is_quarantined))
        HAVING owner IS NOT NULL OR day IS NOT NULL OR media_group IS NOT NULL;
    ELSE
        -- In an INSERT, OLD exists, and has no values.
        INSERT INTO {schema}.media_stats_changes (
            source, owner, day, media_group, is_owned, is_url_preview, is_quarantined,
            is_protected, media_count, media_length
        )
        SELECT 'remote',
            CASE WHEN is_counted THEN owner END,
            CASE WHEN is_counted THEN {schema}.media_stats_day(created_ts) END,
            {schema}.media_stats_group(media_type, media_length),
            owner IS NOT NULL, FALSE, is_quarantined, FALSE,
            sign, sign * COALESCE(media_length, 0)
        FROM (
            SELECT *, owner IS NOT NULL AND media_length IS NOT NULL AS is_counted
            FROM (VALUES (
                -1, CAST(OLD.media_origin AS TEXT), CAST(OLD.media_length AS NUMERIC),
                CAST(OLD.created_ts AS BIGINT), CAST(OLD.media_type AS TEXT),
                OLD.quarantined_by IS NOT NULL
            ), (
                1, CAST(NEW.media_origin AS TEXT), CAST(NEW.media_length AS NUMERIC),
                CAST(NEW.created_ts AS BIGINT), CAST(NEW.media_type AS TEXT),
                NEW.quarantined_by IS NOT NULL
            )) AS media (
                sign, owner, media_length, created_ts, media_type, is_quarantined
            )
            WHERE (sign > 0 OR TG_OP = 'UPDATE')
                AND TG_RELID = CAST('{schema}.remote_media_cache' AS REGCLASS)
        ) AS m;
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
    BEGIN
        PERFORM nextval('{schema}.media_stats_missed_remote');
        IF SQLSTATE = '55P03' THEN  -- The log is locked: the next row must not wait.
            PERFORM setval('{schema}.media_stats_log_limit', 1, FALSE);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
    END;
    RETURN NULL;
END
$media_stats$;

CREATE FUNCTION {schema}.media_stats_log_thumbnails() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms'
AS $media_stats$
-- {mark} {schema}
DECLARE
    source_of_table TEXT;
BEGIN
    source_of_table := CASE TG_RELID
        WHEN CAST('{schema}.local_media_repository_thumbnails' AS REGCLASS) THEN 'local'
        WHEN CAST('{schema}.remote_media_cache_thumbnails' AS REGCLASS) THEN 'remote'
    END;
    IF source_of_table IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE'
        AND TG_RELID IN (
            CAST('{schema}.local_media_repository_thumbnails' AS REGCLASS),
            CAST('{schema}.remote_media_cache_thumbnails' AS REGCLASS)
        )
        AND OLD.thumbnail_length IS NOT DISTINCT FROM NEW.thumbnail_length
    THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE {schema}.media_stats_state SET missed = NULL
        WHERE source = source_of_table;
    ELSIF COALESCE(pg_sequence_last_value('{schema}.media_stats_change_id'), 0)
        >= COALESCE(pg_sequence_last_value('{schema}.media_stats_log_limit'), 0)
    THEN
        PERFORM nextval(
            CAST('{schema}.media_stats_missed_' || source_of_table AS REGCLASS)
        );
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {schema}.media_stats_changes (
            source, media_group, is_owned, is_url_preview, is_quarantined, is_protected,
            media_count, media_length
        )
        SELECT source_of_table, 'thumbnail', FALSE, FALSE, FALSE, FALSE,
            -COUNT(*), -SUM(COALESCE(CAST(thumbnail_length AS NUMERIC), 0))
        FROM old_rows
        HAVING COUNT(*) > 0;
    ELSE
        INSERT INTO {schema}.media_stats_changes (
            source, media_group, is_owned, is_url_preview, is_quarantined, is_protected,
            media_count, media_length
        )
        SELECT source_of_table, 'thumbnail', FALSE, FALSE, FALSE, FALSE,
            CASE TG_OP WHEN 'INSERT' THEN 1 ELSE 0 END,
            COALESCE(CAST(NEW.thumbnail_length AS NUMERIC), 0)
                - COALESCE(CAST(OLD.thumbnail_length AS NUMERIC), 0)
        WHERE TG_RELID IN (
            CAST('{schema}.local_media_repository_thumbnails' AS REGCLASS),
            CAST('{schema}.remote_media_cache_thumbnails' AS REGCLASS)
        );
    END IF;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING USING MESSAGE = 'media_stats: change not logged: ' || SQLERRM;
    BEGIN
        -- Both, where it is not known which.
        IF source_of_table IS DISTINCT FROM 'remote' THEN
            PERFORM nextval('{schema}.media_stats_missed_local');
        END IF;
        IF source_of_table IS DISTINCT FROM 'local' THEN
            PERFORM nextval('{schema}.media_stats_missed_remote');
        END IF;
        IF SQLSTATE = '55P03' THEN  -- The log is locked: the next row must not wait.
            PERFORM setval('{schema}.media_stats_log_limit', 1, FALSE);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = 'media_stats: nor noted: ' || SQLERRM;
    END;
    RETURN NULL;
END
$media_stats$;
