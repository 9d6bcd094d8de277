-- The installed objects of rollups, in one row; no row without Synapse's tables.
-- Costs some probes of the catalogue.
--
-- Parameter: the mark of this version. The first statement makes the transaction look
-- up tables only in the schema of Synapse's media tables, write names as below, and
-- gives it memory to hash a million owners in the change log.
--
-- In this file and in objects.sql, each argument of a function or operator has exactly
-- the type that PostgreSQL's own takes. Where everybody may create objects in the schema,
-- a function or operator of a stranger that fits better would run as Synapse's role.
SELECT
    set_config('search_path', quote_ident(CAST(nspname AS TEXT)) || ', pg_temp', true),
    set_config('quote_all_identifiers', 'off', true),
    set_config(
        'work_mem',
        CAST(
            GREATEST(pg_size_bytes(current_setting('work_mem')) / 1024, 65536) AS TEXT
        ),
        true
    )
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = CAST(to_regclass('local_media_repository') AS OID);

WITH
-- Looks only at objects of the role itself or of the tables' owner. Others may be a trap.
synapse AS (
    SELECT relnamespace AS schema, mark,
        ARRAY[
            relowner, (SELECT oid FROM pg_roles WHERE rolname = current_user)
        ] AS trusted
    FROM pg_class, CAST(? AS TEXT) AS mark
    WHERE oid = CAST(to_regclass('local_media_repository') AS OID)
),
functions AS (
    SELECT p.oid, proname, proowner, prosecdef
    FROM synapse, pg_proc AS p
    WHERE proname IN (
            'media_stats_log_local', 'media_stats_log_remote',
            'media_stats_log_thumbnails', 'media_stats_distrust', 'media_stats_day',
            'media_stats_group'
        )
        AND pronamespace = schema AND proowner = ANY (trusted)
        AND strpos(
            prosrc,
            '-- ' || mark || ' ' || CAST(CAST(schema AS REGNAMESPACE) AS TEXT) || chr(10)
        ) > 0
        AND CAST(proacl AS TEXT)
            = CAST(ARRAY[makeaclitem(proowner, proowner, 'EXECUTE', FALSE)] AS TEXT)
        AND prosecdef = starts_with(CAST(proname AS TEXT), 'media_stats_log_')
        AND (
            NOT prosecdef OR CAST(proconfig AS TEXT)
                = '{"search_path=pg_catalog, pg_temp",lock_timeout=100ms}'
        )
)
SELECT
    EXISTS (
        SELECT FROM pg_class
        WHERE relname = 'media_stats_state' AND relnamespace = schema
            AND relkind = 'r' AND relowner = ANY (trusted)
    ) AS is_present,
    (SELECT COUNT(*) FROM functions) = 6
        AND 9 = (
            SELECT COUNT(*) FROM pg_class AS c
            WHERE relname IN (
                    'media_stats_state', 'media_stats_owners', 'media_stats_days',
                    'media_stats_kinds', 'media_stats_changes', 'media_stats_change_id',
                    'media_stats_log_limit', 'media_stats_missed_local',
                    'media_stats_missed_remote'
                )
                AND relnamespace = schema AND relowner = ANY (trusted)
                -- The functions write to them with the rights of the functions' owners.
                AND (
                    SELECT bool_and(pg_has_role(proowner, relowner, 'USAGE'))
                    FROM functions
                )
                AND (
                    relkind = 'S'
                    OR relkind = 'r' AND NOT row_security_active(c.oid) AND EXISTS (
                        SELECT FROM pg_constraint
                        WHERE conrelid = c.oid AND conname = mark
                    )
                )
                -- A crash empties an unlogged table.
                AND relpersistence = 'p'
                -- An administrator may grant rights to roles. PUBLIC must have none.
                AND NOT EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = CAST(0 AS OID))
        ) AS has_objects,
    ARRAY(
        SELECT CAST(relname AS TEXT)
        FROM pg_trigger
            JOIN functions ON functions.oid = tgfoid AND prosecdef
            JOIN pg_class ON pg_class.oid = tgrelid
        WHERE tgrelid IN (
                CAST(to_regclass('local_media_repository') AS OID),
                CAST(to_regclass('local_media_repository_thumbnails') AS OID),
                CAST(to_regclass('remote_media_cache') AS OID),
                CAST(to_regclass('remote_media_cache_thumbnails') AS OID)
            )
            AND tgname IN (
                'media_stats_change', 'media_stats_delete', 'media_stats_truncate'
            )
            AND tgenabled IN ('O', 'A')
            -- Changes of partitions and of inherited tables do not fire them.
            AND NOT EXISTS (
                SELECT FROM pg_inherits WHERE pg_class.oid IN (inhrelid, inhparent)
            )
        GROUP BY relname
        HAVING COUNT(*) = 3
    ) AS logged_tables,
    -- All that can change media without a trigger leaves traces in the catalogue.
    ARRAY(
        SELECT ARRAY[
            source,
            CAST(
                hashtextextended(
                    string_agg(changed, ' ' ORDER BY tbl, name), CAST(0 AS BIGINT)
                ) AS TEXT
            )
        ]
        FROM (
            VALUES
                ('local', CAST(to_regclass('local_media_repository') AS OID)),
                ('local', CAST(to_regclass('local_media_repository_thumbnails') AS OID)),
                ('remote', CAST(to_regclass('remote_media_cache') AS OID)),
                ('remote', CAST(to_regclass('remote_media_cache_thumbnails') AS OID))
        ) AS tables_of_sources (source, tbl),
        LATERAL (
            SELECT '' AS name, CAST(relfilenode AS TEXT) AS changed
            FROM pg_class WHERE oid = tbl
            UNION ALL
            SELECT attname, CAST(xmin AS TEXT)
            FROM pg_attribute
            WHERE attrelid = tbl AND attname IN (
                'user_id', 'media_origin', 'media_length', 'created_ts', 'media_type',
                'url_cache', 'quarantined_by', 'safe_from_quarantine',
                'thumbnail_length'
            )
            UNION ALL
            SELECT tgname, CAST(xmin AS TEXT)
            FROM pg_trigger
            WHERE tgrelid = tbl AND tgname IN (
                'media_stats_change', 'media_stats_delete', 'media_stats_truncate'
            )
        ) AS traces
        GROUP BY source
    ) AS definitions,
    (
        SELECT string_agg(CAST(part AS TEXT), ' ' ORDER BY position)
        FROM (
            VALUES
                (1, CAST(to_regclass('local_media_repository') AS OID)),
                (2, CAST(to_regclass('local_media_repository_thumbnails') AS OID)),
                (3, CAST(to_regclass('remote_media_cache') AS OID)),
                (4, CAST(to_regclass('remote_media_cache_thumbnails') AS OID)),
                (5, (SELECT oid FROM pg_database WHERE datname = current_database()))
        ) AS parts (position, part)
    ) AS identity
FROM synapse
